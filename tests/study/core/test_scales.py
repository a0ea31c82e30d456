"""One scale for criterion, coding and models: equal steps, equal ratios, or only different levels."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from design.candidates import Factor
from design.information import contrasts
from study.core.coding import factor_columns
from study.core.errors import InputFaults
from study.core.scales import Levels, curvature, proposals, scaled, spans_decades
from tests.design.spaces import write_study
from tests.test_bad_input import study

RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1.0)
PHASE = '[[design.phase]]\nname = "one"\nstrategy = ["SS-R"]\nn_sources = [1]\n'


def test_a_slope_on_a_log_scale_is_per_tenfold():
    rows = pd.DataFrame({"factor.rate": [1e-5, 1e-4, 1e-2, 1.0]})
    coding = factor_columns(rows, {"rate": Levels(RATES, "log")})
    np.testing.assert_allclose(coding.columns["factor.rate"], [0, 1, 3, 5])
    assert coding.units["factor.rate"] == "per tenfold"


def test_the_curvature_leaves_the_slope_what_it_is_without_it():
    """A straight line through all levels has no curvature, and the mean slope is the line's whatever bends."""
    levels = Levels(RATES, "log")
    x, bend = scaled(levels, levels), curvature(levels, levels)
    np.testing.assert_allclose([bend.sum(), bend @ x], 0, atol=1e-9)
    y = 2 * x + 0.5 * x**2
    columns = factor_columns(pd.DataFrame({"factor.rate": RATES}), {"rate": levels}).columns
    assert list(columns) == ["factor.rate", "factor.rate^2"]
    fit = np.linalg.lstsq(np.column_stack([np.ones(5), columns]), y, rcond=None)[0]
    assert fit[1] == pytest.approx(np.polyfit(x, y, 1)[0]) and fit[2] == pytest.approx(0.5)


def test_design_and_models_have_the_same_span():
    """What is designed for (a line and a parabola) is what is fitted."""
    levels = Levels(RATES, "log")
    designed = contrasts(Factor("factor.rate", levels))
    fitted = factor_columns(pd.DataFrame({"factor.rate": RATES}), {"rate": levels}).columns.to_numpy()
    both = np.column_stack([np.ones(5), designed, fitted])
    assert np.linalg.matrix_rank(both) == 3


def test_levels_without_distances_and_numbers_from_elsewhere():
    rows = pd.DataFrame({"factor.width": [0.5, 1.0, 2.0]})
    assert list(factor_columns(rows, {"width": Levels((0.5, 1.0, 2.0), "levels")}).columns) == [
        "factor.width[1.0]", "factor.width[2.0]",
    ]  # fmt: skip
    assert list(factor_columns(rows, {"width": (0.5, 1.0, 2.0)}).columns) == ["factor.width"]
    assert contrasts(Factor("factor.width", Levels((0.5, 1.0, 2.0), "levels"))).shape == (3, 2)
    assert pickle.loads(pickle.dumps(Levels(RATES, "log"))).scale == "log"


@pytest.mark.parametrize(
    ("levels", "proposed"),
    [(RATES, True), ((1, 10, 100), True), ((1, 2, 100), False), ((0, 1, 100), False), ((0.5, 1.0, 2.0), False),
     (("a", "b", "c"), False), ((1e-4, 1e-2), False)],
)  # fmt: skip
def test_log_is_proposed_where_levels_span_two_decades_evenly(levels: tuple, proposed: bool):
    assert spans_decades(Levels(levels)) == proposed
    assert bool(list(proposals({"rate": Levels(levels)}, []))) == proposed
    assert not list(proposals({"rate": Levels(levels)}, ["rate"]))


@pytest.mark.parametrize(
    ("scale", "told"),
    [
        ('epoch = "log"', "did you mean 'epochs'"),
        ('epochs = "logg"', "[scale] epochs = 'logg'"),
        ('activation = "log"', "only numbers have distances"),
        ('l2 = "log"', "0.0 has no logarithm"),
    ],
)
def test_scales_that_are_none(tmp_path: Path, scale: str, told: str):
    factors = f'epochs = [1, 10, 100]\nactivation = ["relu", "elu"]\nl2 = [0.0, 1.0]\n[scale]\n{scale}'
    with pytest.raises(InputFaults) as error:
        write_study(tmp_path, PHASE, sources=1, factors=factors)
    assert told in str(error.value)


def test_check_proposes_it(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = (small_study / "study.toml").read_text()
    rates = "[factors]\nlearning_rate = [1e-5, 1e-3, 0.1]\n"
    (small_study / "study.toml").write_text(text.replace("[training]", f"{rates}[training]"))
    status, _, err = study(capfd, "check", str(small_study))
    assert status == 0 and '[scale] learning_rate = "log" is proposed' in err
