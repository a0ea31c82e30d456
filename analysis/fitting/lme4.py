"""The same mixed models fitted by R's lme4, through pymer4: a second opinion on the native fits.

pymer4's `lmer` class takes no optimiser settings, so its wrapped functions are called instead.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from analysis.fitting.engine_fit import EngineFailed, EngineFit, require_own_variances
from analysis.fitting.random_terms import RandomTerm
from study.core.errors import Fault, InputFaults

R_PACKAGES = (
    "lme4",
    "lmerTest",
    "emmeans",
    "broom",
    "broom.mixed",
    "insight",
    "parameters",
    "performance",
    "tibble",
    "report",
)
INSTALL = (
    "pip install 'representation-study[lme4]', R 4.2 or newer, and in R "
    f"install.packages(c({', '.join(repr(name) for name in R_PACKAGES)}))"
)

MAX_RESTARTS = 20
LEAST_GAIN = 1e-9
"""lme4's optimiser stops early; from its own answer it goes on, until the criterion falls by less than this."""

NUMBERS = """function(fit) {
  fixed <- summary(fit, ddf = "Satterthwaite")$coefficients
  reml <- lme4::isREML(fit)
  blocks <- lapply(lme4::VarCorr(fit), function(block) list(names = rownames(block), values = as.numeric(block)))
  list(criterion = if (reml) as.numeric(lme4::REMLcrit(fit)) else -2 * as.numeric(logLik(fit)),
       theta = unname(lme4::getME(fit, "theta")), sigma = sigma(fit),
       estimate = unname(fixed[, "Estimate"]), se = unname(fixed[, "Std. Error"]), df = unname(fixed[, "df"]),
       names = unlist(lapply(blocks, function(block) paste(block$names, collapse = " "))),
       values = unlist(lapply(blocks, function(block) block$values)))
}"""
VERSIONS = """function() c(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
                       lmerTest = as.character(packageVersion("lmerTest")))"""


def versions() -> Mapping[str, str]:
    """Versions of pymer4, R, lme4 and lmerTest. Raises `InputFaults` that say how to install what is missing."""
    pymer4 = _pymer4()
    versions = pymer4.make_rfunc(VERSIONS)()
    return {"pymer4": pymer4.version, **dict(zip(versions.names, versions, strict=True))}


def fit(y: np.ndarray, fixed: pd.DataFrame, random: Sequence[RandomTerm], reml: bool = True) -> EngineFit:
    """The model of `analysis.fitting.mixed_model.fit_mixed`, from the same columns.

    Columns get names of their own, since not every term is a name in R, and each independent coefficient a term of its
    own: `||` would leave the levels of a factor correlated. Raises `EngineFailed` with R's message, and `InputFaults`
    as `versions`.
    """
    require_own_variances(random)
    pymer4 = _pymer4()
    data = {f"x{position}": fixed[term].to_numpy(dtype=float) for position, term in enumerate(fixed.columns)}
    parts, names = ["y ~ 0", *data], []
    for position, term in enumerate(random):
        group, own = f"g{position}", [f"z{position}_{column}" for column in range(term.columns.shape[1])]
        data |= dict(zip(own, term.columns.to_numpy(dtype=float).T, strict=True))
        data[group] = pd.factorize(np.asarray(term.levels))[0].astype(str)
        parts += [f"(0 + {' + '.join(block)} | {group})" for block in ([own] if term.correlated else zip(own))]
        names.append(own)
    formula, frame = " + ".join(parts), pymer4.DataFrame(data | {"y": np.asarray(y, dtype=float)})
    tight = {"xtol_abs": 1e-12, "ftol_abs": 1e-12, "maxeval": 100_000}
    control = pymer4.lmer_control(optCtrl=tight, calc_derivs=False, check_conv_singular="ignore")
    numbers_of = pymer4.make_rfunc(NUMBERS)
    try:
        best = numbers_of(pymer4.lmer(formula, frame, control=control, REML=reml))
        for _ in range(MAX_RESTARTS):
            start = np.array(best.rx2("theta"))
            again = numbers_of(pymer4.lmer(formula, frame, control=control, REML=reml, start=start))
            gain = best.rx2("criterion")[0] - again.rx2("criterion")[0]
            best = again if gain > 0.0 else best
            if gain < LEAST_GAIN:
                break
    except pymer4.RRuntimeError as error:
        raise EngineFailed(" ".join(str(error).split())) from None
    estimate, se, df, values = (np.array(best.rx2(key)) for key in ("estimate", "se", "df", "values"))
    covariance = [np.zeros((len(own), len(own))) for own in names]
    for block in best.rx2("names"):  # in lme4's own order of the terms
        of_term, columns = zip(*(map(int, name[1:].split("_")) for name in block.split()), strict=True)
        covariance[of_term[0]][np.ix_(columns, columns)] = values[: len(columns) ** 2].reshape(len(columns), -1)
        values = values[len(columns) ** 2 :]
    return EngineFit(
        float(best.rx2("criterion")[0]), estimate, se, df, tuple(covariance), float(best.rx2("sigma")[0]) ** 2
    )


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
        raise InputFaults([Fault("", "engine", "lme4", f"{reason}; needed are {INSTALL}")]) from None
    return SimpleNamespace(
        DataFrame=DataFrame,
        make_rfunc=make_rfunc,
        lmer=lmer,
        lmer_control=lmer_control,
        version=__version__,
        RRuntimeError=RRuntimeError,
    )
