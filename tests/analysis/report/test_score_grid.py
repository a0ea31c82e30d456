from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.report.score_grid import EDGES, score_grid
from analysis.results_table import results_table


def test_every_score_is_there_with_the_colour_of_its_deviation(results: pd.DataFrame) -> None:
    lost = (results["run_id"] == "run003") & (results["target"] == "irmas")
    table = results_table(results[~lost], {})
    grid = score_grid(table)
    scores = table.scores.set_index(["run_id", "target"])
    assert grid.targets == table.targets and grid.about == ("strategy", "sources")
    assert len(grid.rows) == table.scores["run_id"].nunique()
    for run, _, mean, cells in grid.rows:
        assert np.isclose(mean, scores.loc[run, "z"].mean())
        for target, cell in zip(grid.targets, cells, strict=True):
            if (run, target) == ("run003", "irmas"):
                assert cell is None
                continue
            kind, score = cell
            assert score == f"{scores.loc[(run, target), 'score']:.3f}".replace("-", "\N{MINUS SIGN}")
            z = scores.loc[(run, target), "z"]
            assert kind == f"c{sum(z >= edge for edge in EDGES)}"
    means = [mean for _, _, mean, _ in grid.rows]
    assert means == sorted(means, reverse=True)


def test_only_what_differs_between_runs_has_a_column(results: pd.DataFrame) -> None:
    wide = results["run_id"].str[-1].isin(list("02468"))
    alone = results[results["strategy"].isin(["SS-R", "MFCC"])].assign(
        **{"factor.width": wide.map({True: 1.0, False: 0.5}), "factor.loss": "kl"}
    )
    assert score_grid(results_table(alone, {})).about == ("sources", "width")
    assert score_grid(results_table(alone.drop(columns=[c for c in alone if c.startswith("source.")]), {})).about == (
        "width",
    )
