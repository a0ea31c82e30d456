"""The same mixed models fitted by statsmodels' MixedLM, from several starts.

MixedLM may report convergence far above the optimum: of these fits only the best is taken, and only a certificate makes
it a result (`analysis.fitting.engines`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from analysis.fitting.engine_fit import EngineFailed, EngineFit, require_own_variances
from analysis.fitting.random_terms import RandomTerm
from study.core.errors import Fault, InputFaults

STARTS = (0.1, 1.0)
"""Variances over the residual's that searches start from."""
METHODS = ("lbfgs", "powell")
MAX_RESTARTS = 10
LEAST_GAIN = 1e-7
"""From its own best answer Powell's method goes on, until the log likelihood rises by less than this."""
MAX_CROSSED_COLUMNS = 200
"""MixedLM holds crossed effects as one dense block: beyond this a fit takes minutes."""


def versions() -> Mapping[str, str]:
    """The version of statsmodels. Raises `InputFaults` that say how to install it where it is missing."""
    try:
        return {"statsmodels": version("statsmodels")}
    except PackageNotFoundError:
        missing = "statsmodels is not installed; needed is pip install statsmodels"
        raise InputFaults([Fault("", "engine", "statsmodels", missing)]) from None


def fit(y: np.ndarray, fixed: pd.DataFrame, random: Sequence[RandomTerm], reml: bool = True) -> EngineFit:
    """The model of `analysis.fitting.mixed_model.fit_mixed`, from the same columns.

    Raises `EngineFailed` for what MixedLM has no model for: correlated coefficients in more than one term, or beside
    crossed factors.
    """
    require_own_variances(random)
    from statsmodels.regression.mixed_linear_model import MixedLMParams
    from statsmodels.tools.sm_exceptions import ModelWarning

    model, n_correlated = _model(np.asarray(y, dtype=float), fixed, random)

    def search(packed: np.ndarray, method: str) -> Any | None:
        try:
            return model.fit(start_params=packed, reml=reml, method=method)
        except (np.linalg.LinAlgError, ValueError, FloatingPointError):
            return None  # this search ran off; others may not

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", ModelWarning)  # its view of convergence: ours is the certificate
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        found = []
        for start in STARTS:
            params = MixedLMParams.from_components(
                fe_params=np.zeros(model.k_fe), cov_re=start * np.eye(n_correlated), vcomp=np.full(model.k_vc, start)
            )
            packed = params.get_packed(model.use_sqrt, has_fe=False)
            found += [result for method in METHODS if (result := search(packed, method)) is not None]
        if not found:
            raise EngineFailed("none of its searches came to an end")
        best = max(found, key=lambda result: result.llf)
        for _ in range(MAX_RESTARTS):
            again = search(best.params_object.get_packed(model.use_sqrt, has_fe=False), "powell")
            if again is None or again.llf - best.llf < LEAST_GAIN:
                break
            best = again
        se = np.asarray(best.bse_fe, dtype=float)
    of_correlated, of_others = np.asarray(best.cov_re), iter(np.asarray(best.vcomp))
    covariance = tuple(
        of_correlated if term.correlated else np.diag([next(of_others) for _ in term.columns]) for term in random
    )
    return EngineFit(-2.0 * best.llf, np.asarray(best.fe_params), se, None, covariance, float(best.scale))


def _model(y: np.ndarray, fixed: pd.DataFrame, random: Sequence[RandomTerm]) -> tuple[Any, int]:
    """The MixedLM, and how many coefficients are correlated. One grouping factor is its group; several are crossed
    within one group of all rows."""
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

    correlated = [term for term in random if term.correlated]
    one_group = len({term.group for term in random}) == 1
    if len(correlated) > 1 or (correlated and not one_group):
        raise EngineFailed("MixedLM has correlated coefficients in one term only, and not beside crossed factors")
    codes = pd.factorize(np.asarray(random[0].levels))[0] if one_group else np.zeros(len(y), dtype=int)
    order = np.argsort(codes, kind="stable")
    rows = [order[codes[order] == group] for group in range(codes.max() + 1)]
    names, colnames, mats = [], [], []
    for position, term in enumerate(random):
        if term.correlated:
            continue
        indicators = np.ones((len(y), 1)) if one_group else pd.get_dummies(pd.Series(term.levels), dtype=float)
        for name in term.columns:
            z = np.asarray(indicators) * term.columns[name].to_numpy(dtype=float)[:, None]
            names.append(f"{position}:{name}")
            colnames.append([[str(column) for column in range(z.shape[1])] for _ in rows])
            mats.append([z[here] for here in rows])
    n_columns = sum(one[0].shape[1] for one in mats)
    if not one_group and n_columns > MAX_CROSSED_COLUMNS:
        raise EngineFailed(
            f"MixedLM would hold {n_columns} crossed effects as one dense block; native or lme4 fit them"
        )
    z_correlated = correlated[0].columns.to_numpy(dtype=float)[order] if correlated else np.empty((len(y), 0))
    model = MixedLM(
        y[order],
        fixed.to_numpy(dtype=float)[order],
        codes[order],
        exog_re=z_correlated,
        exog_vc=VCSpec(names, colnames, mats),
    )
    return model, z_correlated.shape[1]
