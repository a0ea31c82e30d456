"""What no design can exceed, so that a plan's figures can be read: how much better could they be?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from design.candidates import Candidates, Factor
from design.information import CHUNK, level_columns, model_columns
from study.core.columns import SOURCE

ITERATIONS = 200
CONVERGED = 1e-6


def efficiency_bound(candidates: Candidates, terms: Sequence[int]) -> float:
    """An upper bound on det(X'X)^(1/p) / n of any design of any size, for the terms at these positions.

    From the approximate D-optimal measure (Kiefer & Wolfowitz 1960), which is of no size: the bound is the same for
    every number of runs from p on, and fewer have a determinant of 0. With more than 2^16 candidates each factor has a
    measure of its own, as if all combinations could be run: a determinant never exceeds the product of its diagonal
    blocks' (Fischer's inequality). More than 1 is possible where levels are not equally informative.
    """
    if len(candidates) <= CHUNK:
        log_det = _largest_log_det(model_columns(candidates.factors, candidates.codes)[:, list(terms)])
    else:
        log_det = 0.0
        for columns, codes in zip(level_columns(candidates.factors), candidates.codes.T, strict=True):
            kept = columns[np.unique(codes)][:, [term for term in terms if term > 0]]
            of_factor = kept[:, (kept != 0).any(axis=0)]
            log_det += _largest_log_det(np.column_stack([np.ones(len(of_factor)), of_factor]))
    return float(np.exp(log_det / len(terms)))


def _largest_log_det(columns: np.ndarray) -> float:
    """Upper bound on log det X'WX over measures W on the rows (n_candidates, n_terms) of X.

    By the multiplicative algorithm (Silvey, Titterington & Torsney 1978): no measure has more than any one's, with its
    largest variance over the number of terms to that power.
    """
    n_terms = columns.shape[1]
    weights = np.full(len(columns), 1 / len(columns))
    for iteration in range(ITERATIONS + 1):
        information = columns.T @ (columns * weights[:, None])
        variance = np.einsum("ij,ij->i", columns @ np.linalg.inv(information), columns)
        excess = float(variance.max()) / n_terms
        if excess < 1 + CONVERGED or iteration == ITERATIONS:
            break
        weights *= variance / n_terms
    return float(np.linalg.slogdet(information)[1]) + n_terms * np.log(excess)


def size_bound(columns: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """A lower bound on the aliasing of any design of a prefix's size that varies what it varies (n_runs,).

    `columns` (n_runs, n_columns) and `owners` are those of the main effects. Welch 1974, with the pairs within a factor
    left out: let P_j project on the r_j dimensions that factor j's centred columns span, of n - 1. As sum P_j has trace
    r = sum r_j, its squares sum to r^2 / (n - 1) at least. With a factor's unit columns u and the shares w of the runs
    that each leaves out, P_j = sum w u u' and sum w = r_j, so that two factors give tr P_j P_k <= aliasing^2 r_j r_k.
    Hence aliasing^2 >= (r^2 / (n - 1) - r) / (r^2 - sum r_j^2): above 0 below as many runs as terms.
    """
    n_runs = np.arange(1, len(columns) + 1)
    ranks = np.zeros((len(columns), int(owners.max(initial=-1)) + 1))
    for owner in range(ranks.shape[1]):
        mine = columns[:, owners == owner]
        occurred = np.maximum.accumulate(mine != 0, axis=0).sum(axis=1)
        varies = np.maximum.accumulate((mine != mine[:1]).any(axis=1)) if mine.size else np.zeros(len(columns))
        ranks[:, owner] = occurred - 1 if mine.shape[1] > 1 else varies
    total, squares = ranks.sum(axis=1), (ranks**2).sum(axis=1)
    excess = total**2 / np.maximum(n_runs - 1, 1) - total
    return np.sqrt(np.maximum(excess, 0) / np.where(total**2 > squares, total**2 - squares, np.inf))


def balance_bound(factors: Sequence[Factor], codes: np.ndarray, columns: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """A lower bound on the aliasing of any design with the level counts that each prefix has (n_runs,).

    Two reasons. Columns of 0 and 1 with a and b ones share a whole number of runs c, and their correlation is
    (n c - a b) / sqrt(a (n - a) b (n - b)): 0 only if n divides a b. And the number of sources is their sum, so that
    its variance fixes the sum of the sources' covariances; the largest correlation is no less than that over the sum of
    the products of their standard deviations.
    """
    n_runs = np.arange(1, len(columns) + 1, dtype=float)
    whole = np.flatnonzero(((columns == 0) | (columns == 1)).all(axis=0))
    ones = columns[:, whole].cumsum(axis=0)
    spread = ones * (n_runs[:, None] - ones)
    products = ones[:, :, None] * ones[:, None, :]
    from_whole = np.abs(products - n_runs[:, None, None] * np.round(products / n_runs[:, None, None]))
    between = (owners[whole][:, None] != owners[whole]) * from_whole
    scale = np.sqrt(spread[:, :, None] * spread[:, None, :])
    parity = np.divide(between, scale, out=np.zeros_like(scale), where=scale > 0).max(axis=(1, 2), initial=0.0)

    is_source = np.array([factors[owner].name.startswith(SOURCE) for owner in owners[whole]], dtype=bool)
    number = np.array(factors[-1].levels, dtype=float)[codes[:, -1]]
    covariances = n_runs * (number**2).cumsum() - number.cumsum() ** 2 - spread[:, is_source].sum(axis=1)
    deviations = np.sqrt(spread[:, is_source])
    weights = deviations.sum(axis=1) ** 2 - spread[:, is_source].sum(axis=1)
    of_sum = np.divide(np.abs(covariances), weights, out=np.zeros_like(weights), where=weights > 1e-9)
    return np.maximum(parity, of_sum)
