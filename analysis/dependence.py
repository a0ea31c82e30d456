"""Whether scores of one run, or of one combination, share more than the other terms of a model give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.mixed_problem import NotCertified
from study.core.errors import InputFaults

SHARED = ("run_id", "combination")
PERMUTATIONS = 1_999


def likelihood_ratios(fit: MixedFit) -> pd.DataFrame:
    """`left_out, variances, likelihood_ratio, p` of what a fit has of `SHARED`: all of it, then each by itself.

    The difference of the restricted criteria, whose fixed terms are the same. Without the variances it is a mixture of
    chi-squared with 0 to as many degrees of freedom, by the binomial weights of independent variances at their boundary
    (Self and Liang 1987; Stram and Lee 1994).
    """
    present = [name for name in SHARED if any(term.group == name for term in fit.random)]
    dropped = [present, *([name] for name in present)] if len(present) > 1 else [present] if present else []
    rows = [row for groups in dropped for row in _likelihood_ratio(fit, groups)]
    return pd.DataFrame(rows, columns=["left_out", "variances", "likelihood_ratio", "p"])


def _likelihood_ratio(fit: MixedFit, groups: Sequence[str]) -> Iterator[tuple[str, int, float, float]]:
    kept = [term for term in fit.random if term.group not in groups]
    n_variances = sum(term.columns.shape[1] for term in fit.random if term.group in groups)
    if not kept:
        return
    try:
        less = fit_mixed(fit.y, fit.fixed, kept, fit.reml)
    except (NotCertified, InputFaults):
        return
    ratio = max(less.criterion - fit.criterion, 0.0)
    yield " and ".join(groups), n_variances, ratio, boundary_p(ratio, n_variances)


def boundary_p(ratio: float, n_variances: int) -> float:
    """The chance of such a likelihood ratio, or a larger one, where `n_variances` independent variances are zero."""
    df = np.arange(1, n_variances + 1)
    return float(stats.binom.pmf(df, n_variances, 0.5) @ stats.chi2.sf(ratio, df)) if ratio > 0.0 else 1.0


def permutation_p(scores: pd.DataFrame, columns: pd.DataFrame, rng: np.random.Generator) -> float | None:
    """How often scores that are dealt anew to the runs, on each target by itself, agree over targets as much as these.

    Of the runs (`run_id`) that are on every target, with the fixed `columns`. They are taken out of each target's `z`,
    and what is left is permuted in an orthonormal basis of the space where it lies: there it is exchangeable if scores
    are normal and runs share nothing (Huh and Jhun 2001). The statistic is the variance of the sums over targets. None
    where fewer than two targets, or too few runs, are left.
    """
    by_target = scores.groupby(["run_id", "target"])["z"].mean().unstack()
    whole = by_target.notna().all(axis=1)
    own = columns.groupby(scores["run_id"].to_numpy()).mean()[whole]
    z = by_target[whole].to_numpy()
    basis, values, _ = np.linalg.svd(own.to_numpy()) if len(own) else (np.empty((0, 0)), np.empty(0), None)
    rank = int((values > 1e-9 * values.max(initial=0.0)).sum())
    if z.shape[1] < 2 or len(z) - rank < 3:
        return None
    rest = basis[:, rank:].T @ z
    rest /= np.linalg.norm(rest, axis=0)
    observed = (rest.sum(axis=1) ** 2).sum()
    dealt = np.array([(rng.permuted(rest, axis=0).sum(axis=1) ** 2).sum() for _ in range(PERMUTATIONS)])
    return float((1 + (dealt >= observed * (1.0 - 1e-12)).sum()) / (PERMUTATIONS + 1))
