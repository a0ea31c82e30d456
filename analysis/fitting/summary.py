"""A mixed model's fit as text, in the order in which R's `summary(lmer)` with lmerTest prints one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.fitting.conditional import residuals
from analysis.fitting.inference import fixed_effects
from analysis.fitting.mixed_model import MixedFit, variances

LEAST_P = 2e-16
MOST_DECIMALS = 6


def summary(fit: MixedFit, formula: str, left_out: Mapping[str, str]) -> str:
    """Formula, criterion, scaled residuals, random effects, observations, fixed effects; then what was left out."""
    by = "REML" if fit.reml else "maximum likelihood"
    criterion = "REML criterion" if fit.reml else "-2 log likelihood"
    levels = ", ".join(f"{group}, {n}" for group, n in fit.groups.items())
    lines = [
        f"Linear mixed model fit by {by}, optimum certified. t-tests use Satterthwaite's method",
        f"Formula: {formula}",
        "",
        f"{criterion}: {fit.criterion:.4f}",
        "",
        "Scaled residuals:",
        *_scaled_residuals(fit),
        "",
        "Random effects:",
        *_random(fit),
        f"Number of obs: {fit.n_rows}, groups:  {levels}",
        "",
        "Fixed effects:",
        *_fixed(fit),
    ]
    if fit.singular:
        lines += ["", "Singular: a variance is zero or a correlation is 1 or -1; that is the optimum."]
    if left_out:
        lines += ["", "Left out: " + "; ".join(f"{what} ({why})" for what, why in left_out.items())]
    return "\n".join(lines)


def _scaled_residuals(fit: MixedFit) -> list[str]:
    quantiles = np.quantile(residuals(fit) / np.sqrt(fit.residual_variance), (0.0, 0.25, 0.5, 0.75, 1.0))
    return _aligned([["Min", "1Q", "Median", "3Q", "Max"], [f"{value:.4f}" for value in quantiles]], n_left=0)


def _random(fit: MixedFit) -> list[str]:
    rows = [["Groups", "Name", "Variance", "Std.Dev.", "Corr"]]
    table, at = variances(fit), 0
    variance, sd = _alike(table["variance"]), _alike(table["sd"])
    for term, relative in zip(fit.random, fit.relative_covariance, strict=True):
        for k, name in enumerate(map(str, term.columns)):
            before = range(k if term.correlated else 0)
            group = term.group if k == 0 or not term.correlated else ""
            rows.append([group, name, variance[at], sd[at], *(_correlation(relative, k, other) for other in before)])
            at += 1
    rows.append(["Residual", "", variance[at], sd[at]])
    return _aligned(rows, n_left=2)


def _correlation(relative: np.ndarray, k: int, other: int) -> str:
    product = np.sqrt(relative[k, k] * relative[other, other])
    return f"{np.clip(relative[k, other] / product, -1.0, 1.0):.2f}" if product > 0.0 else "NaN"


def _fixed(fit: MixedFit) -> list[str]:
    rows = [["", "Estimate", "Std. Error", "df", "t value", "Pr(>|t|)"]]
    table = fixed_effects(fit)
    both = _alike([*table["estimate"], *table["se"]])
    for row, estimate, se in zip(table.itertuples(), both, both[len(table) :], strict=False):
        p = f"<{LEAST_P:g}" if row.p < LEAST_P else f"{row.p:.3g}"
        rows.append([row.term, estimate, se, f"{row.df:.3f}", f"{row.t:.3f}", p])
    return _aligned(rows, n_left=1)


def _alike(values: Sequence[float]) -> list[str]:
    """Numbers with as many decimals as give the smallest of them four significant digits, at most six."""
    smallest = min((abs(value) for value in values if value), default=1.0)
    decimals = int(np.clip(3 - np.floor(np.log10(smallest)), 0, MOST_DECIMALS))
    return [f"{value:.{decimals}f}" for value in values]


def _aligned(rows: list[list[str]], n_left: int) -> list[str]:
    """Rows in columns: the first `n_left` to the left, the others to the right."""
    n_columns = max(map(len, rows))
    full = [[*row, *[""] * (n_columns - len(row))] for row in rows]
    widths = [max(len(row[k]) for row in full) for k in range(n_columns)]
    return [
        " ".join(
            cell.ljust(width) if k < n_left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in full
    ]
