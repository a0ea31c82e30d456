from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.exhibits import learning_curves
from analysis.exhibits.learning_curves import COLOURS, MOST_LINES, by_epoch, shown
from study.pages.figures import drawing

COLUMNS = ["run_id", "strategy", "source", "epoch", "loss", "validation_loss"]


def curves(
    n_runs: int, n_epochs: int = 20, strategy: str = "MSS-CR", sources: tuple[str, ...] = ("b", "a")
) -> pd.DataFrame:
    """Run k's loss of a source is k + 1 over the epoch, ten times that in validation."""
    rows = [
        (f"{strategy}{run}", strategy, source, epoch, (run + 1) / epoch, 10 * (run + 1) / epoch)
        for run in range(n_runs) for epoch in range(1, n_epochs + 1) for source in sources
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def test_by_epoch_has_medians_and_the_edges_of_the_band() -> None:
    table = by_epoch(curves(11)).set_index(["strategy", "source", "epoch"])
    row = table.loc[("MSS-CR", "a", 2)]
    assert (row["n_runs"], row["loss"], row["loss_low"], row["loss_high"]) == (11, 3.0, 1.0, 5.0)
    assert row["validation_loss_high"] == 50.0


def test_few_runs_are_lines_and_many_a_median_with_a_band() -> None:
    few, many = curves(MOST_LINES, strategy="SS-R", sources=("a",)), curves(MOST_LINES + 1)
    figure = learning_curves.learning_curves(["a", "b"], pd.concat([many, few]))
    assert [axes.get_title() for axes in figure.axes] == [
        "SS-R: training", "SS-R: validation", "MSS-CR: training", "MSS-CR: validation"
    ]  # fmt: skip
    lines, bands = [len(axes.lines) for axes in figure.axes], [len(axes.collections) for axes in figure.axes]
    assert lines == [MOST_LINES] * 2 + [2, 2] and bands == [0, 0, 2, 2]
    training, validation = figure.axes[2:]
    of_a = next(line for line in training.lines if line.get_color() == COLOURS[0])
    np.testing.assert_allclose(of_a.get_ydata(), 3 / np.arange(1, 21))
    assert validation.lines[0].get_ydata()[0] == 30.0
    assert training.get_ylim() == validation.get_ylim() and training.get_yscale() == "log"
    assert [text.get_text() for text in figure.legends[0].texts] == ["a", "b"]


def test_a_colour_is_a_sources_whatever_runs_have_learned() -> None:
    figure = learning_curves.learning_curves(["a", "b", "c"], curves(1, sources=("c",)))
    assert figure.axes[0].lines[0].get_color() == COLOURS[2]
    assert [text.get_text() for text in figure.legends[0].texts] == ["c"]


@pytest.mark.parametrize("n_epochs", [1, 2])
def test_one_epoch_is_a_point_and_similar_losses_are_on_a_linear_scale(n_epochs: int) -> None:
    table = curves(1, n_epochs, sources=("a",)).assign(validation_loss=float("nan"))
    with drawing():
        figure = learning_curves.learning_curves(["a"], table)
        figure.savefig("/dev/null", format="png", dpi=20)
    (line,) = figure.axes[0].lines
    assert line.get_marker() == "." and len(line.get_ydata()) == n_epochs
    assert figure.axes[0].get_yscale() == "linear"


def test_what_is_shown_without_curves() -> None:
    (picture,) = shown(["a"], pd.DataFrame(columns=COLUMNS))
    assert picture.draw is None and "no run of this study has logged an epoch" in picture.caption
    picture, table = shown(["a", "b"], curves(3))
    assert "in 3 runs" in picture.caption and not table.on_page and len(table.frame) == 40
