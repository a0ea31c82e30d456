"""The same mixed models fitted by R's lme4, through pymer4: a second opinion on the native fits.

pymer4's `lmer` class takes no optimiser settings, so its wrapped functions are called instead.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from study.errors import Fault, InputFaults, StudyError

# fmt: off
R_PACKAGES = ("lme4", "lmerTest", "emmeans", "broom", "broom.mixed", "insight", "parameters", "performance", "tibble",
              "report")
# fmt: on
INSTALL = (
    "pip install 'representation-study[lme4]', R 4.2 or newer, and in R "
    f"install.packages(c({', '.join(repr(name) for name in R_PACKAGES)}))"
)

MAX_RESTARTS = 20
LEAST_GAIN = 1e-9
"""lme4's optimiser stops early; from its own answer it goes on, until the criterion falls by less than this."""

NUMBERS = """function(fit) {
  fixed <- summary(fit, ddf = "Satterthwaite")$coefficients
  list(criterion = as.numeric(lme4::REMLcrit(fit)), theta = unname(lme4::getME(fit, "theta")), sigma = sigma(fit),
       estimate = unname(fixed[, "Estimate"]), se = unname(fixed[, "Std. Error"]), df = unname(fixed[, "df"]))
}"""
VERSIONS = """function() c(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
                       lmerTest = as.character(packageVersion("lmerTest")))"""


class NoFit(StudyError):
    """lme4 refused the model; the message is R's."""


@dataclass(frozen=True)
class Lme4Fit:
    """A REML fit by lme4: `criterion`; `estimate`, `se` and lmerTest's Satterthwaite `df` of the fixed terms (p,);
    standard deviations `sd` of the random coefficients (K,) and `residual_sd`."""

    criterion: float
    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    sd: np.ndarray
    residual_sd: float


def versions() -> Mapping[str, str]:
    """Versions of pymer4, R, lme4 and lmerTest. Raises `InputFaults` that say how to install what is missing."""
    pymer4 = _pymer4()
    told = pymer4.make_rfunc(VERSIONS)()
    return {"pymer4": pymer4.version, **dict(zip(told.names, told, strict=True))}


def fit_by_group(y: np.ndarray, fixed: pd.DataFrame, random: Sequence[str], group: Sequence[str]) -> Lme4Fit:
    """The model of `analysis.mixed_model.fit_by_group`, from the same columns.

    Columns get names of their own, since not every term is a name in R, and each random term stands by itself: `||`
    would leave the levels of a factor correlated. Raises `NoFit`, and `InputFaults` as `versions`.
    """
    pymer4 = _pymer4()
    name_of = {term: f"x{position}" for position, term in enumerate(fixed.columns)}
    formula = " + ".join(["y ~ 0", *name_of.values(), *(f"(0 + {name_of[term]} | g)" for term in random)])
    data = pymer4.DataFrame({name_of[term]: fixed[term].to_numpy(dtype=float) for term in fixed.columns}
                            | {"y": np.asarray(y, dtype=float), "g": pd.factorize(np.asarray(group))[0]})  # fmt: skip
    tight = {"xtol_abs": 1e-12, "ftol_abs": 1e-12, "maxeval": 100_000}
    control = pymer4.lmer_control(optCtrl=tight, calc_derivs=False, check_conv_singular="ignore")
    numbers_of = pymer4.make_rfunc(NUMBERS)
    try:
        best = numbers_of(pymer4.lmer(formula, data, control=control))
        for _ in range(MAX_RESTARTS):
            start = np.array(best.rx2("theta"))
            again = numbers_of(pymer4.lmer(formula, data, control=control, start=start))
            gain = best.rx2("criterion")[0] - again.rx2("criterion")[0]
            best = again if gain > 0.0 else best
            if gain < LEAST_GAIN:
                break
    except pymer4.RRuntimeError as error:
        raise NoFit(" ".join(str(error).split())) from None
    estimate, se, df, theta = (np.array(best.rx2(key)) for key in ("estimate", "se", "df", "theta"))
    sigma = float(best.rx2("sigma")[0])
    return Lme4Fit(float(best.rx2("criterion")[0]), estimate, se, df, theta * sigma, sigma)


def _pymer4() -> SimpleNamespace:
    """What is used of pymer4, polars and rpy2. R starts with the first call."""
    # An environment may bring R packages of its own, in R/ beside its lib/.
    own = str(Path(sys.prefix, "R"))
    if own not in os.environ.get("R_LIBS", "").split(os.pathsep):
        os.environ["R_LIBS"] = os.pathsep.join(filter(None, [own, os.environ.get("R_LIBS")]))
    # R says on loading which of its library folders are empty.
    logging.getLogger("rpy2.rinterface_lib.callbacks").setLevel(logging.ERROR)
    try:
        from polars import DataFrame
        from pymer4.rfuncs import make_rfunc
        from pymer4.tidystats.lmerTest import lmer, lmer_control
        from pymer4.version import __version__
        from rpy2.rinterface_lib.embedded import RRuntimeError
    except (ImportError, ValueError) as why:  # a ValueError of rpy2 where there is no R
        reason = "R is not installed" if isinstance(why, ValueError) else str(why)
        raise InputFaults([Fault("", "--cross-check", "lme4", f"{reason}; needed are {INSTALL}")]) from None
    return SimpleNamespace(DataFrame=DataFrame, make_rfunc=make_rfunc, lmer=lmer, lmer_control=lmer_control,
                           version=__version__, RRuntimeError=RRuntimeError)  # fmt: skip
