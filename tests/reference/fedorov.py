"""The best designs of a given size that an exact Fedorov exchange finds, slowly and from many starts.

Fedorov 1972: of all exchanges of a run in the design for one outside it, make the one that raises det X'X most, until
none does. Run as a script it writes fedorov.json: det(X'X)^(1/p) / n for the paper's 1,230 candidates (intercept,
strategy, sources), the best of 200 starts a size.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SIZES = (20, 40, 60, 80, 100, 150, 200, 250, 300, 352)
STARTS = {20: 200, 40: 200, 60: 100, 80: 60, 100: 40}


def best_exchange(columns: np.ndarray, n_runs: int, starts: int, rng: np.random.Generator) -> float:
    """det(X'X)^(1/p) / n of the best design of `n_runs` different rows of `columns` (n_candidates, n_terms)."""
    best = 0.0
    everything = np.arange(len(columns))
    for _ in range(starts):
        design = rng.choice(len(columns), n_runs, replace=False)
        information = columns[design].T @ columns[design] + 1e-9 * np.eye(columns.shape[1])
        while True:
            inverse = np.linalg.inv(information)
            outside = np.setdiff1d(everything, design)
            covariance = columns[design] @ inverse @ columns[outside].T
            of_design = np.einsum("ij,jk,ik->i", columns[design], inverse, columns[design])
            of_outside = np.einsum("ij,jk,ik->i", columns[outside], inverse, columns[outside])
            factor = (1 + of_outside) * (1 - of_design[:, None]) + covariance**2
            leaves, enters = np.unravel_index(factor.argmax(), factor.shape)
            if factor[leaves, enters] < 1 + 1e-9:
                break
            new, old = columns[outside[enters]], columns[design[leaves]]
            information += np.outer(new, new) - np.outer(old, old)
            design[leaves] = outside[enters]
        log_det = np.linalg.slogdet(columns[design].T @ columns[design])[1]
        best = max(best, float(np.exp(log_det / columns.shape[1]) / n_runs))
    return best


def paper_columns() -> np.ndarray:
    """Intercept, five strategies as normalised Helmert columns, eight sources as -1 and 1 (1230, 13)."""
    subsets = np.array([row for row in np.ndindex((2,) * 8) if 2 <= sum(row) <= 7]) * 2 - 1
    helmert = np.array([[-1, -1, -1, -1], [1, -1, -1, -1], [0, 2, -1, -1], [0, 0, 3, -1], [0, 0, 0, 4]], dtype=float)
    helmert /= np.sqrt((helmert**2).mean(axis=0))
    strategy = np.repeat(np.arange(5), len(subsets))
    return np.column_stack([np.ones(len(strategy)), helmert[strategy], np.tile(subsets, (5, 1))])


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    found = {size: best_exchange(paper_columns(), size, STARTS.get(size, 20), rng) for size in SIZES}
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
