"""Numbers of lme4 and lmerTest: tests/reference/mixed_models.R, on the tables of mixed_models_data.py and lme4's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.fitting.conditional import modes
from analysis.fitting.inference import contrast_tests, fixed_effects
from analysis.fitting.mixed_model import MixedFit, fit_at, fit_mixed
from analysis.fitting.random_terms import RandomTerm
from study.core.coding import first_model, is_single, second_model

REFERENCE = Path(__file__).parents[2] / "reference"
LME4 = json.loads((REFERENCE / "mixed_models.json").read_text())
CASES = [name for name in LME4 if name != "versions"]
ONE = "(Intercept)"
FIRST = [*(f"i{k}" for k in range(1, 7)), *(f"k{k}" for k in range(2, 7))]
SECOND = [ONE, "r_star", "n_star", "rn"]
MODELS = {
    "first": ("score", FIRST, [("target", FIRST, False)]),
    "second": ("score", SECOND, [("target", SECOND[1:], False)]),
    "components": ("score", FIRST[1:6], [(f"source.s{k}", [ONE], False) for k in range(8)]),
    "crossed": ("with_runs", FIRST, [("target", FIRST, False), ("run_id", [ONE], False)]),
    "nested": ("score", [ONE, "n_star"], [("target", [ONE], False), ("target:strategy", [ONE], False)]),
    "correlated": ("with_runs", SECOND[:3], [("target", SECOND[1:3], True), ("run_id", [ONE], False)]),
    "correlated_singular": ("score", SECOND[:3], [("target", SECOND[:3], True), ("run_id", [ONE], False)]),
    "sleepstudy": ("Reaction", [ONE, "Days"], [("Subject", [ONE, "Days"], True)]),
    "independent": ("Reaction", [ONE, "Days"], [("Subject", [ONE, "Days"], False)]),
}
"""The response, the fixed columns, and each random term's group, columns, and whether they are correlated."""


def table(name: str) -> pd.DataFrame:
    """The rows of a case with the columns of both models, named as in R."""
    rows = pd.read_csv(REFERENCE / f"mixed_models_{name}.csv")
    if name == "sleepstudy":
        return rows.assign(**{ONE: 1.0})
    first, second = (
        first_model(rows).columns.set_axis(FIRST, axis=1),
        second_model(rows).columns.set_axis(SECOND, axis=1),
    )
    run = rows["run_id"].str.removeprefix("r").astype(int)
    further = {
        "with_runs": rows["score"] + 0.4 * np.sin(17 * run),
        "target:strategy": rows["target"] + rows["strategy"],
    }
    return pd.concat([rows.assign(**further), first, second], axis=1)


def model(case: str) -> tuple[np.ndarray, pd.DataFrame, list[RandomTerm], bool]:
    """What `fit_mixed` takes, of the model that mixed_models.R calls `case`."""
    name, _, kind = case.removesuffix("_ml").partition("_")
    rows = table("unbalanced" if name == "components" else name)
    if name == "components":
        rows = rows[(rows["target"] == "t0") & ~is_single(rows)]
    response, fixed, random = MODELS[kind or name]
    terms = [RandomTerm(group, rows[group].to_numpy(), rows[columns], linked) for group, columns, linked in random]
    return rows[response].to_numpy(), rows[fixed], terms, not case.endswith("_ml")


def assert_agrees(fit: MixedFit, lme4: dict) -> None:
    fixed = fixed_effects(fit)
    assert fit.criterion == pytest.approx(lme4["criterion"], abs=1e-6)
    assert np.sqrt(fit.residual_variance) == pytest.approx(lme4["sigma"], abs=1e-5)
    np.testing.assert_allclose(fixed["estimate"], lme4["estimate"], atol=1e-5)
    np.testing.assert_allclose(fixed["se"], lme4["se"], atol=1e-5)
    np.testing.assert_allclose(fixed["df"], lme4["df"], rtol=0.01)
    np.testing.assert_allclose(fixed["p"], lme4["p"], rtol=0.01)
    weights = np.zeros((1, len(fixed)))
    weights[0, [0, -1]] = -1, 1
    difference = contrast_tests(fit, weights).iloc[0]
    for key, expected in lme4["last_less_first"].items():
        assert difference[key] == pytest.approx(expected, abs=1e-5, rel=0.01 if key == "df" else 1e-12)
    sd = fit.random_table().set_index(["group", "term"])["sd"] / np.sqrt(fit.residual_variance)
    correlation = fit.correlations().set_index(["group", "term", "other"])["correlation"]
    for row in lme4["random"]:
        ours = correlation[row["group"], row["term"], row["other"]] if "other" in row else sd[row["group"], row["term"]]
        assert ours == pytest.approx(row["value"], abs=1e-4)
    assert len(lme4["random"]) == len(sd) + len(correlation)


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_lme4(case: str) -> None:
    assert_agrees(fit_mixed(*model(case)), LME4[case])


@pytest.mark.parametrize("case", CASES)
def test_conditional_modes_agree_with_lme4(case: str) -> None:
    fit = fit_mixed(*model(case))
    ours = modes(fit).set_index(["group", "level", "term"])
    theirs = pd.DataFrame(LME4[case]["modes"])
    theirs["level"] = theirs["level"].str.replace(":", "") if "nested" in case else theirs["level"]
    # They move with the variances, which lme4 knows to its last relative 1e-5 or so.
    scale = np.sqrt(fit.variance.max())
    for row in theirs.itertuples():
        mode, se = ours.loc[(row.group, row.level, row.term)]
        assert mode == pytest.approx(row.mode, abs=1e-4 * scale)
        assert se == pytest.approx(row.se, abs=1e-4 * scale)


@pytest.mark.parametrize("case", CASES)
def test_variances_found_by_lme4_are_certified_and_give_the_same_fit(case: str) -> None:
    y, fixed, random, reml = model(case)
    given = pd.DataFrame(LME4[case]["random"], columns=["group", "term", "other", "value"])
    covariances = []
    for term in random:
        rows = given[given["group"] == term.group]
        alone = rows[rows["other"].isna()].set_index("term")["value"]
        correlation = np.eye(len(alone)) if term.correlated else np.eye(len(term.columns.columns))
        names = list(term.columns)
        for row in rows[rows["other"].notna()].itertuples():
            a, b = names.index(row.term), names.index(row.other)
            correlation[a, b] = correlation[b, a] = row.value
        covariances.append(correlation * np.outer(alone[names], alone[names]))
    assert_agrees(fit_at(y, fixed, random, covariances, reml), LME4[case])


@pytest.mark.lme4
def test_agrees_with_lme4_run_now() -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    cases = ("unbalanced_first", "components", "sleepstudy_ml")
    script = ["Rscript", str(REFERENCE / "mixed_models.R"), *cases]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    if "there is no package called" in done.stderr:
        pytest.skip("R has no lme4, lmerTest or jsonlite")
    assert done.returncode == 0, done.stderr
    fresh = json.loads(done.stdout)
    for case in cases:
        assert_agrees(fit_mixed(*model(case)), fresh[case])


def test_the_singular_cases_are_singular_and_the_balanced_one_is_not() -> None:
    assert fit_mixed(*model("singular_first")).singular
    assert not fit_mixed(*model("balanced_first")).singular
    assert not fit_mixed(*model("sleepstudy")).singular
    singular = fit_mixed(*model("unbalanced_correlated_singular"))
    assert singular.singular
    assert singular.random_table()["boundary"].tolist() == [True, True, True, False]
