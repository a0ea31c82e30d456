"""Fits whose numbers differ by many powers of ten: far means, residuals of next to nothing, singular matrices."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.fitting.bootstrap import refit
from analysis.fitting.conditional import fitted, modes
from analysis.fitting.inference import contrast_tests
from analysis.fitting.mixed_model import NotCertified, fit_mixed
from analysis.fitting.random_terms import RandomTerm, intercepts_by


@pytest.mark.parametrize("mean", [400.0, 2_000.0])
def test_where_a_slope_has_its_zero_does_not_matter(mean: float) -> None:
    """(x | group), x a year or a number of parameters, is the fit to x less its mean."""
    rng = np.random.default_rng(5)
    group, x = np.repeat(np.arange(20), 15), rng.standard_normal(300)
    y = 1 + 0.5 * x + (0.7 * rng.standard_normal(20))[group] + (0.4 * rng.standard_normal(20))[group] * x
    y += rng.standard_normal(300)
    centred, moved = (pd.DataFrame({"one": 1.0, "x": x + shift}) for shift in (0.0, mean))
    expected, found = (
        fit_mixed(y, columns, [RandomTerm("group", group, columns, True)]) for columns in (centred, moved)
    )
    assert found.criterion == pytest.approx(expected.criterion, abs=1e-6)
    at_zero = np.array([[1.0, mean], [0.0, 1.0]])
    mine, theirs = contrast_tests(found, at_zero), contrast_tests(expected, np.eye(2))
    np.testing.assert_allclose(mine["se"], theirs["se"], rtol=1e-5)
    np.testing.assert_allclose(mine["df"], theirs["df"], rtol=1e-4)
    np.testing.assert_allclose(fitted(found), fitted(expected), atol=1e-6)
    np.testing.assert_allclose(
        modes(found).query("term == 'x'")["se"], modes(expected).query("term == 'x'")["se"], rtol=1e-5
    )
    assert refit(found, 5, np.random.default_rng(1)).n_uncertified == 0


@pytest.mark.parametrize("residual_sd", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize("share", [1.0, 0.9])
def test_a_residual_of_a_millionth_of_the_signal_is_certified(residual_sd: float, share: float) -> None:
    """Crossed intercepts, on all cells and on some: as the residual vanishes, standard errors tend to a limit."""
    rng = np.random.default_rng(7)
    group, run = np.repeat(np.arange(20), 15), np.tile(np.arange(15), 20)
    x, own = rng.standard_normal(300), (0.7 * rng.standard_normal(20))[group] + (0.5 * rng.standard_normal(15))[run]
    noise, kept = rng.standard_normal(300), rng.random(300) <= share
    columns = pd.DataFrame({"one": np.ones(300), "x": x})[kept]
    terms = [RandomTerm(name, of[kept], columns[["one"]]) for name, of in (("group", group), ("run", run))]
    fit = fit_mixed((1 + x + own + residual_sd * noise)[kept], columns, terms)
    assert fit.residual_variance == pytest.approx(residual_sd**2, rel=0.2)
    np.testing.assert_allclose(fit.variance, [own_variance(group, own), own_variance(run, own)], rtol=0.01)


def own_variance(levels: np.ndarray, own: np.ndarray) -> float:
    """The sample variance of levels' means, of a crossing without gaps."""
    return float(pd.Series(own).groupby(levels).mean().var())


def test_a_matrix_that_is_singular_to_rounding_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def singular(*_: object) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(np.linalg, "inv", singular)
    group = np.repeat(np.arange(6), 5)
    with pytest.raises(NotCertified):
        fit_mixed(np.random.default_rng(1).standard_normal(30), pd.DataFrame({"one": np.ones(30)}),
                  [intercepts_by("group", group)])  # fmt: skip
