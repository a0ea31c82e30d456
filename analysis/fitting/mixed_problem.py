"""What is fitted, as cross-products, and whether the rows determine it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.fitting.balanced import Balanced
from analysis.fitting.balanced_layout import balanced_of
from analysis.fitting.cross_products import Design, Response, design_of, require_full_rank, response_of
from analysis.fitting.crossed import Crossed, CrossedResponse, crossed_of, crossed_response
from analysis.fitting.random_layout import Layout, layout_of, no_layout
from analysis.fitting.random_terms import RandomTerm
from analysis.fitting.restricted_likelihood import derivatives, evaluate
from study.core.errors import Fault, StudyError, raise_all


class NotCertified(StudyError):
    """A model that these rows do not determine, or whose optimum could not be certified; so there is no fit."""


class NotDetermined(NotCertified):
    """Variances that no scores of these rows could determine, whatever they were."""


@dataclass(frozen=True)
class Problem:
    """What is fitted: `response` is y less its `least_squares` fit (p,)."""

    y: np.ndarray
    fixed: pd.DataFrame
    random: tuple[RandomTerm, ...]
    layout: Layout
    design: Design | Crossed
    response: Response | CrossedResponse
    least_squares: np.ndarray
    balanced: Balanced | None

    def responses(self, y: np.ndarray) -> Response | CrossedResponse:
        """Cross-products of responses y (R, n) in the general form."""
        if isinstance(self.design, Crossed):
            return crossed_response(self.layout, self.fixed.to_numpy(dtype=float), y)
        w = np.hstack([self.layout.dense_u, self.fixed.to_numpy(dtype=float)])
        return response_of(self.design, y, w, self.layout.z, self.layout.block)


def problem_of(y: np.ndarray, fixed: pd.DataFrame, random: Sequence[RandomTerm], reml: bool) -> Problem:
    """The model's cross-products. Raises `InputFaults` and `NotCertified` for what these rows do not determine."""
    y, x = np.asarray(y, dtype=float), fixed.to_numpy(dtype=float)
    numbers = [("response", y[:, None]), ("fixed terms", x)]
    numbers += [(f"random terms by {term.group}", term.columns.to_numpy(dtype=float)) for term in random]
    raise_all(
        Fault("", what, None, f"{int((~np.isfinite(values)).any(axis=1).sum())} rows are not finite numbers")
        for what, values in numbers
        if not np.isfinite(values).all()
    )
    require_full_rank(x, tuple(map(str, fixed.columns)))
    layout = layout_of(random) if random else no_layout(len(y))
    for term, levels in zip(random, layout.levels, strict=True):
        n_coefficients = len(levels) * (term.columns.shape[1] if term.correlated else 1)
        if len(levels) == 1:
            raise NotDetermined(f"{term.group} has one level: the variance between its levels is not estimable")
        if n_coefficients >= len(y):
            raise NotDetermined(
                f"{', '.join(map(str, term.columns))} by {term.group} have {n_coefficients} coefficients for {len(y)} "
                "rows: their variance is not distinguishable from the residual"
            )
    # Cross-products of what least squares leaves over lose no digits to the mean of y.
    least_squares = np.linalg.solve(x.T @ x, x.T @ y)
    rest = y - x @ least_squares
    if rest @ rest <= 1e-20 * (y @ y):
        raise NotCertified("the fixed terms reproduce every score, so no variance is estimable")
    design, response = _cross_products(layout, x, rest, reml)
    require_told_apart(design, response, _parameter_names(random, layout))
    balanced = balanced_of(fixed, random) if reml and isinstance(design, Design) else None
    return Problem(y, fixed, tuple(random), layout, design, response, least_squares, balanced)


def _cross_products(
    layout: Layout, x: np.ndarray, rest: np.ndarray, reml: bool
) -> tuple[Design | Crossed, Response | CrossedResponse]:
    crossed = crossed_of(layout, x, reml)
    if crossed is not None:
        return crossed, crossed_response(layout, x, rest[None])
    w = np.hstack([layout.dense_u, x]) if layout.border.n_columns else x
    design = design_of(w, layout.z, layout.block, layout.blocks, layout.border, layout.correlated, reml)
    return design, response_of(design, rest[None], w, layout.z, layout.block)


def require_told_apart(design: Any, response: Any, names: Iterable[str]) -> None:
    """Raise `NotCertified` with the variances that are not distinguishable from each other or the residual's."""
    zero = np.zeros((1, len(design.is_variance)))
    if not zero.size:
        return
    information = derivatives(design, evaluate(design, response, zero)).information[0]
    length = design.lengths
    values, vectors = np.linalg.eigh(information / np.outer(length, length))
    if values[0] < 1e-10:
        blurred = [name for name, part in zip(names, np.abs(vectors[:, 0]), strict=True) if part > 0.05]
        raise NotDetermined(
            f"the rows do not distinguish these variances from each other or from the residual: {', '.join(blurred)}"
        )


def _parameter_names(random: Sequence[RandomTerm], layout: Layout) -> Iterator[str]:
    """`term | group` of each variance, `term, other | group` of each covariance (K,)."""
    names = {}
    for term, index in zip(random, layout.parameters, strict=True):
        columns = [str(name) for name in term.columns]
        for a, b in zip(*np.tril_indices(len(columns)), strict=True):
            names[index[a, b]] = columns[a] if a == b else f"{columns[b]}, {columns[a]}"
            names[index[a, b]] += f" | {term.group}"
    yield from (names[k] for k in sorted(names) if k >= 0)
