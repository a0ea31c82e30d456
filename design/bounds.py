"""What no design can exceed, so that a plan's figures can be read: how much better could they be?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from design.candidates import Candidates, Factor
from design.information import CHUNK, model_columns

CONVERGED = 1e-6


def efficiency_bound(candidates: Candidates, terms: Sequence[int], iterations: int = 200) -> float:
    """An upper bound on det(X'X)^(1/p) / n of any design of any size, for the terms at these positions.

    From the approximate D-optimal measure (multiplicative algorithm, Silvey, Titterington & Torsney 1978): no measure
    has more than its det^(1/p) times its largest variance over p (Kiefer & Wolfowitz 1960). It is the same for every
    number of runs from p on; fewer have a determinant of 0. 1, which normalised columns never exceed, where there are
    more than 2^16 candidates.
    """
    if len(candidates) > CHUNK:
        return 1.0
    columns = model_columns(candidates.factors, candidates.codes)[:, list(terms)]
    weights = np.full(len(columns), 1 / len(columns))
    for _ in range(iterations):
        information = columns.T @ (columns * weights[:, None])
        variance = np.einsum("ij,ij->i", columns @ np.linalg.inv(information), columns)
        if variance.max() < (1 + CONVERGED) * len(terms):
            break
        weights *= variance / len(terms)
    information = columns.T @ (columns * weights[:, None])
    variance = np.einsum("ij,ij->i", columns @ np.linalg.inv(information), columns)
    log_det = np.linalg.slogdet(information)[1]
    return min(1.0, float(np.exp(log_det / len(terms)) * variance.max() / len(terms)))


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

    is_source = np.array([factors[owner].name.startswith("source.") for owner in owners[whole]], dtype=bool)
    number = np.array(factors[-1].levels, dtype=float)[codes[:, -1]]
    covariances = n_runs * (number**2).cumsum() - number.cumsum() ** 2 - spread[:, is_source].sum(axis=1)
    deviations = np.sqrt(spread[:, is_source])
    weights = deviations.sum(axis=1) ** 2 - spread[:, is_source].sum(axis=1)
    of_sum = np.divide(np.abs(covariances), weights, out=np.zeros_like(weights), where=weights > 1e-9)
    return np.maximum(parity, of_sum)
