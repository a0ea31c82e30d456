"""Crossed factors of many levels against the general form, which is held against lme4."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.fitting import crossed
from analysis.fitting.bootstrap import refit
from analysis.fitting.conditional import fitted, modes
from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from analysis.fitting.restricted_likelihood import by_parameter, derivatives, evaluate


@pytest.fixture(scope="module", params=[True, False], ids=["reml", "ml"])
def forms(request: pytest.FixtureRequest) -> tuple[MixedFit, MixedFit]:
    """One model in both forms: three crossed factors, one of them a slope, one of no variance."""
    rng = np.random.default_rng(3)
    n = 400
    a, b, c = rng.integers(0, 60, n), rng.integers(0, 25, n), rng.integers(0, 6, n)
    x = pd.DataFrame({"one": 1.0, "x": rng.standard_normal(n)})
    y = rng.standard_normal(60)[a] + 0.6 * rng.standard_normal(25)[b] * x["x"] + rng.standard_normal(n) + x["x"]
    terms = [intercepts_by("a", a), RandomTerm("b", b, x[["x"]]), intercepts_by("c", c)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossed, "MANY", 1)
        many = fit_mixed(y.to_numpy(), x, terms, request.param)
    return many, fit_mixed(y.to_numpy(), x, terms, request.param)


def test_criterion_and_derivatives_are_those_of_the_general_form(forms: tuple[MixedFit, MixedFit]) -> None:
    many, general = forms
    assert isinstance(many.design, crossed.Crossed) and not isinstance(general.design, crossed.Crossed)
    for phi in ([0.3, 0.2, 0.5], [2.0, 0.0, 0.1], [0.0, 0.0, 0.0]):
        point = np.array([phi])
        mine, theirs = evaluate(many.design, many.response, point), evaluate(general.design, general.response, point)
        for name in ("criterion", "m", "beta", "r2"):
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=1e-9, atol=1e-10)
        slopes, expected = derivatives(many.design, mine), derivatives(general.design, theirs)
        for name in ("gradient", "hessian", "information", "score", "curvature"):
            np.testing.assert_allclose(getattr(slopes, name), getattr(expected, name), rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(
            by_parameter(many.design, mine), by_parameter(general.design, theirs), rtol=1e-8, atol=1e-9
        )


def test_the_fit_and_its_levels_are_those_of_the_general_form(forms: tuple[MixedFit, MixedFit]) -> None:
    many, general = forms
    assert many.criterion == pytest.approx(general.criterion, abs=1e-7)
    mine, theirs = (contrast_tests(one, np.eye(2)) for one in forms)
    np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(fitted(many), fitted(general), atol=1e-5)
    np.testing.assert_allclose(modes(many)[["mode", "se"]], modes(general)[["mode", "se"]], rtol=1e-4, atol=1e-5)
    again = refit(many, 7, np.random.default_rng(2))
    assert again.n_uncertified == 0 and again.estimate.shape == (7, 2)
