"""Marginal means and pairs, against lmer, lmerTest and emmeans on twelve data sets (tests/reference/means.R)."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.formulas.fit_mixed import MixedModel, fit_mixed
from study.core.errors import InputFaults

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "means.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-6
"""Of a standard error."""
CASES = [name for name in REFERENCE if name != "versions"]


@pytest.fixture(scope="module")
def fits() -> dict[str, MixedModel]:
    return {name: fit_mixed(REFERENCE[name]["formula"], pd.DataFrame(REFERENCE[name]["data"])) for name in CASES}


@pytest.mark.parametrize("case", CASES)
def test_fits_are_those_of_lmer(fits: dict[str, MixedModel], case: str) -> None:
    fit, expected = fits[case], REFERENCE[case]
    assert fit.criterion == pytest.approx(expected["criterion"], abs=1e-5)
    np.testing.assert_allclose(fit.fixed["df"], expected["df"], rtol=0.01)
    np.testing.assert_allclose(fit.fixed["se"], expected["se"], rtol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_means_and_pairs_are_those_of_emmeans(fits: dict[str, MixedModel], case: str) -> None:
    fit, expected = fits[case], REFERENCE[case]
    means, pairs = fit.means(expected["factor"]), fit.pairs(expected["factor"])
    assert list(means["level"]) == expected["means"]["name"]
    assert list(pairs["pair"]) == [f"{b} - {a}" for a, b in combinations(means["level"], 2)]  # in emmeans' order
    for found, theirs, sign in ((means, expected["means"], 1.0), (pairs, expected["pairs"], -1.0)):
        error = (found["estimate"] - sign * np.array(theirs["estimate"])).abs() / found["se"]
        assert error.max() < TOLERANCE
        np.testing.assert_allclose(found["se"], theirs["se"], rtol=1e-4)
        np.testing.assert_allclose(found["df"], theirs["df"], rtol=0.01)


@pytest.mark.parametrize("case", CASES)
def test_likelihood_ratios_are_those_of_anova(case: str) -> None:
    expected = REFERENCE[case]
    frame = pd.DataFrame(expected["data"])
    larger, smaller = (fit_mixed(expected[name], frame, reml=False) for name in ("formula", "smaller"))
    assert smaller.criterion - larger.criterion == pytest.approx(expected["chisq"], abs=2e-5)
    assert len(larger.fit.fixed_terms) - len(smaller.fit.fixed_terms) == expected["chisq_df"]


def test_a_mean_over_a_combination_that_did_not_occur_has_no_numbers() -> None:
    rows = pd.DataFrame({"a": list("xxxyyyzz") * 6, "b": list("uvuvuvuu") * 6, "g": np.repeat(np.arange(6), 8)})
    rows["y"] = np.random.default_rng(4).standard_normal(48) + rows["g"]
    fit = fit_mixed("y ~ a * b + (1 | g)", rows)
    means = fit.means("a")
    assert means["estimate"].isna().tolist() == [False, False, True]
    assert fit.pairs("a")["pair"].tolist() == ["y - x"]


def test_what_is_no_factor_is_named(fits: dict[str, MixedModel]) -> None:
    with pytest.raises(InputFaults, match="expected a factor among the fixed terms: Variety; did you mean 'Variety'"):
        fits["Oats"].means("variety")
    with pytest.raises(InputFaults, match="Variety"):
        fits["Oats"].pairs("nitro")
