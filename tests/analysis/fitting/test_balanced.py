"""The closed form of crossed units and groups against the general likelihood, which is held against lme4."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.fitting import mixed_model
from analysis.fitting.balanced_layout import balanced_of
from analysis.fitting.bootstrap import refit
from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import fit_mixed
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from analysis.fitting.restricted_likelihood import by_parameter, derivatives, evaluate

N_UNITS, N_GROUPS = 24, 4


def crossed(rng: np.random.Generator) -> tuple[np.ndarray, pd.DataFrame, list[RandomTerm]]:
    """24 units in 13 sets of two kinds on 4 groups, in any order of rows: slopes and a factor by group, and shared."""
    rows = pd.DataFrame(
        [(unit, group) for group in range(N_GROUPS) for unit in range(N_UNITS)], columns=["unit", "group"]
    ).sample(frac=1.0, random_state=3, ignore_index=True)
    of_unit = pd.DataFrame({
        "a": np.arange(N_UNITS) % 2, "x": rng.standard_normal(N_UNITS), "level": np.arange(N_UNITS) % 3,
        "set": np.r_[np.repeat(np.arange(4), 3), np.repeat([4, 5, 6], 2), np.arange(7, 13)],
    })  # fmt: skip
    rows = rows.join(of_unit, on="unit")
    fixed = pd.DataFrame({"one": 1.0, "a": rows["a"].astype(float), "x": rows["x"]})
    kinds = pd.DataFrame({"early": (rows["set"] < 4).astype(float), "late": (rows["set"] >= 4).astype(float)})
    random = [
        RandomTerm("group", rows["group"].to_numpy(), fixed[["a", "x"]]),
        intercepts_by("group:level", (rows["group"].astype(str) + ":" + rows["level"].astype(str)).to_numpy()),
        intercepts_by("unit", rows["unit"].to_numpy()),
        RandomTerm("set", rows["set"].to_numpy(), kinds),
        intercepts_by("level", rows["level"].to_numpy()),
    ]
    shared = rng.standard_normal(N_UNITS)[rows["unit"]] + rng.standard_normal(13)[rows["set"]]
    by_group = rng.standard_normal(N_GROUPS)[rows["group"]] * rows["x"]
    return np.asarray(shared + by_group + rng.standard_normal(len(rows))), fixed, random


def test_criterion_and_derivatives_are_those_of_the_general_form() -> None:
    y, fixed, random = crossed(np.random.default_rng(1))
    fit, phi = fit_mixed(y, fixed, random), np.random.default_rng(2).uniform(0.1, 2.0, (3, 7))
    closed, scale = fit.balanced, fit.layout.squared_scale
    assert closed is not None and closed.size.sum() == N_UNITS
    rest = y - fixed.to_numpy() @ np.linalg.lstsq(fixed.to_numpy(), y, rcond=None)[0]
    three = np.zeros(3, dtype=int)
    mine = evaluate(closed, closed.response(rest[None]).take(three), phi)
    general = evaluate(fit.design, fit.response.take(three), phi / scale)
    for name in ("criterion", "m", "beta", "r2"):
        np.testing.assert_allclose(getattr(mine, name), getattr(general, name), rtol=1e-10, atol=1e-10)
    of_mine, of_general = derivatives(closed, mine), derivatives(fit.design, general)
    for name in ("gradient", "score"):
        np.testing.assert_allclose(getattr(of_mine, name) * scale, getattr(of_general, name), rtol=1e-8, atol=1e-9)
    for name in ("hessian", "information", "curvature"):
        scaled = getattr(of_mine, name) * np.outer(scale, scale)
        np.testing.assert_allclose(scaled, getattr(of_general, name), rtol=1e-8, atol=1e-9)
    slopes = by_parameter(closed, mine) * scale[:, None, None]
    np.testing.assert_allclose(slopes, by_parameter(fit.design, general), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_that_of_the_general_search(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    y, fixed, random = crossed(np.random.default_rng(10 + seed))
    closed = fit_mixed(y, fixed, random)
    monkeypatch.setattr("analysis.fitting.mixed_problem.balanced_of", lambda fixed, random: None)
    general = fit_mixed(y, fixed, random)
    assert closed.balanced is not None and general.balanced is None
    assert closed.criterion == pytest.approx(general.criterion, abs=1e-8)
    np.testing.assert_allclose(closed.variance, general.variance, rtol=1e-3, atol=1e-6)
    mine, others = (contrast_tests(one, np.eye(3)) for one in (closed, general))
    np.testing.assert_allclose(mine[["estimate", "se", "df"]], others[["estimate", "se", "df"]], rtol=1e-3)


def test_refits_are_spread_as_those_of_the_general_form(monkeypatch: pytest.MonkeyPatch) -> None:
    y, fixed, random = crossed(np.random.default_rng(1))
    fit = fit_mixed(y, fixed, random)
    closed = refit(fit, 400, np.random.default_rng(4))
    monkeypatch.setattr("analysis.fitting.mixed_problem.balanced_of", lambda fixed, random: None)
    general = refit(mixed_model.fit_mixed(y, fixed, random), 400, np.random.default_rng(5))
    assert closed.n_uncertified == general.n_uncertified == 0
    np.testing.assert_allclose(closed.estimate.std(axis=0), general.estimate.std(axis=0), rtol=0.12)
    np.testing.assert_allclose(closed.variance.mean(axis=0), general.variance.mean(axis=0), rtol=0.25, atol=0.03)


def test_what_is_not_crossed_has_no_closed_form() -> None:
    _, fixed, random = crossed(np.random.default_rng(1))
    without = [RandomTerm(term.group, term.levels[1:], term.columns.iloc[1:]) for term in random]
    assert balanced_of(fixed.iloc[1:], without) is None
    assert balanced_of(fixed, [random[0], random[2]]) is not None
    assert balanced_of(fixed, random[:2]) is None
    varying = [RandomTerm("group", random[0].levels, fixed[["x"]] + np.arange(len(fixed))[:, None]), random[2]]
    assert balanced_of(fixed, varying) is None


def test_groups_with_an_intercept_alone_are_not_taken_for_the_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sets are of units: with units and groups exchanged they would be left out."""
    y, fixed, random = crossed(np.random.default_rng(4))
    by_group = intercepts_by("group", np.asarray(random[0].levels))
    by_set = intercepts_by("set", np.asarray(random[3].levels))
    closed = fit_mixed(y, fixed[["one"]], [by_group, random[2], by_set])
    assert closed.balanced is not None
    monkeypatch.setattr("analysis.fitting.mixed_problem.balanced_of", lambda fixed, random: None)
    general = fit_mixed(y, fixed[["one"]], [by_group, random[2], by_set])
    assert closed.criterion == pytest.approx(general.criterion, abs=1e-7)
    np.testing.assert_allclose(closed.variance, general.variance, rtol=1e-4, atol=1e-6)
