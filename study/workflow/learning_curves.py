"""Learning curves: the training and validation loss of each source by epoch, from the runs' logs."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from study.core.paths import Paths
from study.core.run import Run
from study.core.study_file import Study

COLUMNS = ("run_id", "strategy", "source", "epoch", "loss", "validation_loss")


def learning_curves(study: Study, runs: Iterable[Run]) -> pd.DataFrame:
    """One row per run, source and epoch trained so far; columns `COLUMNS`.

    A loss is NaN if a source was not drawn in an epoch or has no validation tracks; baselines have no rows.
    """
    from jobs.learning.training_log import read_epochs

    paths = Paths(study.store)
    rows = [
        (run.run_id, run.strategy, source, line["epoch"], loss, line["validation_loss"].get(source))
        for run in runs
        for line in read_epochs(paths.log(run.run_id))
        for source, loss in line["loss"].items()
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"loss": "float64", "validation_loss": "float64"})
