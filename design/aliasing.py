"""Aliasing: how much the effect of one factor can be mistaken for another's."""

from __future__ import annotations

import numpy as np

from design.candidates import Factor
from design.information import contrasts, model_columns
from study.core.scales import scaled


def main_effect_columns(factors: tuple[Factor, ...], codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Columns of the main effects (n_runs, n_columns), the factor of each (n_columns,), and their names.

    0 and 1 for a source, an indicator a level of what has more levels without an order, the value of what has one. The
    number of sources is left out: it is the sum of the sources (Kim et al. 2019, 4.3, footnote 8).
    """
    columns, owners, names = [np.zeros((len(codes), 0))], [], []
    for owner, factor in enumerate(factors):
        if factor.is_derived or len(factor.levels) < 2:
            continue
        if factor.is_ordered:
            table, labels = scaled(factor.levels, factor.levels)[:, None], [factor.name]
        elif len(factor.levels) == 2:
            table, labels = np.array([[0.0], [1.0]]), [factor.name]
        else:
            table, labels = np.eye(len(factor.levels)), [f"{factor.name}[{level}]" for level in factor.levels]
        columns.append(table[codes[:, owner]])
        owners += [owner] * len(labels)
        names += labels
    return np.column_stack(columns), np.array(owners, dtype=int), names


def correlations(n_runs: np.ndarray | int, sums: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Correlation matrices (..., q, q) from column sums (..., q) and cross-products; a constant column has 0."""
    n = np.asarray(n_runs, dtype=float)[..., None, None]
    covariance = n * products - sums[..., :, None] * sums[..., None, :]
    variance = np.einsum("...ii->...i", covariance)
    spread = np.sqrt(np.where(variance > 1e-9 * n[..., 0] * np.einsum("...ii->...i", products), variance, np.inf))
    return covariance / (spread[..., :, None] * spread[..., None, :])


def prefix_aliasing(columns: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """For every prefix of the runs, the largest absolute correlation between columns of different factors (n_runs,)."""
    sums = columns.cumsum(axis=0)
    products = (columns[:, :, None] * columns[:, None, :]).cumsum(axis=0)
    between = np.abs(correlations(np.arange(1, len(columns) + 1), sums, products)) * (owners[:, None] != owners)
    return between.max(axis=(1, 2), initial=0.0)


def canonical_correlations(factors: tuple[Factor, ...], codes: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Largest canonical correlation between the columns of each two factors, which no coding of their levels changes.

    Names (n_factors,) and a symmetric matrix with 1 on the diagonal; factors that are constant here are left out. The
    number of sources takes part as a factor of its own, so that what it shares with the sources is seen.
    """
    names, bases = [], []
    for column, factor in enumerate(factors):
        table = np.eye(len(factor.levels)) if factor.is_derived else contrasts(factor)
        columns = table[codes[:, column]]
        left, size, _ = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
        if size.size and size[0] > 1e-9 * np.sqrt(len(codes)):
            names.append(factor.name)
            bases.append(left[:, size > 1e-9 * size[0]])
    matrix = np.eye(len(names))
    for one in range(len(names)):
        for other in range(one):
            largest = np.linalg.norm(bases[one].T @ bases[other], 2)
            matrix[one, other] = matrix[other, one] = min(float(largest), 1.0)
    return names, matrix


def alias_matrix(factors: tuple[Factor, ...], codes: np.ndarray, neglected: np.ndarray) -> np.ndarray:
    """A = (X1'X1)^-1 X1'X2: what effects of the `neglected` columns X2 (n_runs, k) add to each estimate (n_terms, k).

    E(b1) = beta1 + A beta2 (Goos & Jones 2011, 2.3.7). Terms that these runs cannot tell apart share what is added.
    """
    return np.linalg.lstsq(model_columns(factors, codes), neglected, rcond=1e-9)[0]
