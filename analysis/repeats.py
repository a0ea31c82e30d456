"""Which runs are repeats of each other: the same strategy, sources and factors, trained again from another seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.results_table import ResultsTable
from study.core.coding import combination


def repeated(table: ResultsTable, rows: pd.DataFrame) -> np.ndarray:
    """What each row's run repeats, as text (n_rows,): runs of the same are repeats. Rows are runs, or their scores.

    Where a table does not know its sources, no run is taken for a repeat of another.
    """
    return combination(rows) if table.sources or table.roles else rows["run_id"].astype(str).to_numpy(dtype=object)
