"""A study's own models and contrasts, from the study file to the report."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.analyze import analyze
from analysis.fitting.mixed_model import fit_mixed
from analysis.formulas.formula import build, known_columns, model_rows
from analysis.options import AnalysisOptions
from analysis.results_table import results_table
from study.core.errors import InputFaults
from study.core.formula_grammar import parse
from study.core.plan_sections import AnalysisSection, Contrast, Model
from tests.analysis.conftest import Report, reported
from tests.test_bad_input import study

FORMULAS = {
    "interaction": "score ~ strategy * n_star + (1 | target)",
    "slopes": "score ~ r_star + year + (1 + n_star | target) + (1 | run_id)",
    "no-log": "score ~ log(n_star) + (1 | target)",
    "too-many": "score ~ r_star + (strategy || target)",
}
CONTRASTS = (
    ("strategy", "last less first", {"strategy[MSS-CR]": 1, "strategy[SS-R]": -1}),
    ("strategy", "mean of two slopes", {"strategy[MSS-CR]:n_star": 0.5, "strategy[MS-CR@2]:n_star": 0.5}),
    ("slopes", "year", {"source.year": 2}),
    ("interaction", "gone", {"strategy[MSS-CR]:n_star": 1, "n_star": 1}),
    ("no-log", "none", {"n_star": 1}),
)


pytestmark = pytest.mark.usefixtures("models_alone_in_module")


def own(formulas: dict[str, str], contrasts: tuple = ()) -> AnalysisSection:
    return AnalysisSection(
        model=tuple(Model(name=name, formula=text) for name, text in formulas.items()),
        contrast=tuple(Contrast(model=model, name=name, weights=weights) for model, name, weights in contrasts),
    )


@pytest.fixture(scope="module")
def few(results: pd.DataFrame) -> pd.DataFrame:
    return results[results["target"].isin(["gtzan", "irmas", "valence"])]


@pytest.fixture(scope="module")
def report(few: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return reported(few, tmp_path_factory.mktemp("report"), bootstrap=20, own=own(FORMULAS, CONTRASTS))


@pytest.fixture(scope="module")
def models(report: Report) -> dict:
    return json.loads((report.page.parent / "fit.json").read_text())["models"]


def test_own_models_stand_beside_the_named_ones(models: dict, few: pd.DataFrame) -> None:
    assert list(models) == ["strategy", "size", "paper_strategy", "paper_size", "components", *FORMULAS]
    assert {tuple(model) for model in models.values()} == {tuple(models["strategy"])}  # the same keys
    slopes = models["slopes"]
    assert slopes["formula"] == FORMULAS["slopes"]
    assert slopes["groups"] == {"target": 3, "run_id": few.loc[few["phase"] != "baseline", "run_id"].nunique()}
    assert [row["term"] for row in slopes["fixed"]] == ["intercept", "r_star", "source.year"]
    assert all(row["bootstrap_low"] < row["bootstrap_high"] for row in slopes["fixed"])
    assert [(row["group"], row["term"]) for row in slopes["random"]] == [
        ("target", "intercept"), ("target", "n_star"), ("run_id", "intercept")
    ]  # fmt: skip
    assert [(row["group"], row["term"], row["other"]) for row in slopes["correlations"]] == [
        ("target", "intercept", "n_star")
    ]
    assert -1 <= slopes["correlations"][0]["correlation"] <= 1
    table = results_table(few, {})
    built = build(parse(FORMULAS["slopes"]), model_rows(table), known_columns(table, {}))
    assert slopes["criterion"] == pytest.approx(fit_mixed(built.y, built.fixed, built.random).criterion)


def test_a_model_without_a_fit_says_why(models: dict, report: Report) -> None:
    for name in ("no-log", "too-many"):
        assert (models[name]["converged"], models[name]["criterion"], models[name]["fixed"]) == (False, None, [])
    page = report.page.read_text()
    assert "log(n_star) = 0.0: expected numbers above 0" in page
    assert (
        "Not drawn: the model has no fit, because the rows do not distinguish these variances from each other" in page
    )


def test_the_page_has_the_formula_as_given_and_as_fitted(report: Report) -> None:
    page = report.page.read_text()
    assert f"<dt>Formula as given</dt><dd><code>{FORMULAS['slopes']}</code></dd>" in page
    assert (
        "z ~ 0 + `intercept` + `r_star` + `source.year` + (0 + `intercept` + `n_star` | target) "
        "+ (0 + `intercept` | run_id)" in page
    )
    assert "<code>strategy[MSS-CR]:n_star</code>: the terms before it already determine it in these rows" in page


def test_tables_and_figures_have_the_models_names(report: Report) -> None:
    folder = report.page.parent
    written = {path.stem for path in (folder / "tables").iterdir()}
    assert {"interaction_fixed", "interaction_random", "slopes_fixed", "slopes_random", "slopes_correlations",
            "own_contrasts"} <= written  # fmt: skip
    assert not {"interaction_correlations", "no-log_fixed", "too-many_fixed"} & written
    assert {path.name for path in (folder / "figures").glob("effects_[!s]*")} == {
        "effects_interaction.png", "effects_interaction.svg"
    }  # fmt: skip
    random = pd.read_csv(folder / "tables" / "slopes_random.csv")
    assert random["term"].tolist() == ["intercept", "n_star", "intercept", "residual"]


def test_own_contrasts_are_tested_as_the_pairs_are(models: dict, report: Report) -> None:
    pairs, asked = models["strategy"]["contrasts"][:-2], models["strategy"]["contrasts"][-2:]
    (same,) = [row for row in pairs if row["contrast"] == "MSS-CR - SS-R"]
    for key in ("estimate", "se", "df", "p"):
        assert asked[0][key] == pytest.approx(same[key])
    slope = {row["term"]: row["estimate"] for row in models["strategy"]["fixed"]}
    assert asked[1]["estimate"] == pytest.approx(
        (slope["strategy[MSS-CR]:n_star"] + slope["strategy[MS-CR@2]:n_star"]) / 2
    )
    assert [row["adjustment"] for row in asked] == ["max-t, 2 comparisons"] * 2
    for row in asked:
        assert row["p"] <= row["p_adjusted"] <= 2 * row["p"] + 0.01, "single-step, and no larger than Bonferroni's"
        assert (row["p_adjusted"] < 0.05) == (row["ci_low"] > 0 or row["ci_high"] < 0)
    (year,) = models["slopes"]["contrasts"]
    assert year["estimate"] == pytest.approx(2 * models["slopes"]["fixed"][2]["estimate"])
    assert year["adjustment"] == "none"


def test_a_contrast_of_what_is_left_out_has_no_number_and_says_why(models: dict, report: Report) -> None:
    (row,) = models["interaction"]["contrasts"]
    assert row["estimate"] is None and row["p_adjusted"] is None
    assert models["no-log"]["contrasts"] == []
    page = report.page.read_text()
    assert "gone: strategy[MSS-CR]:n_star is left out: the terms before it already determine it in these rows" in page
    assert "none: model no-log has no fit" in page


@pytest.mark.parametrize(
    ("section", "told"),
    [
        (
            own({"a": "score ~ n_parameters + (1 | target)"}),
            "model a = 'score ~ n_parameters + (1 | target)': column 9",
        ),
        (own({"a": "score ~ n_star + (1 | targt)"}), "did you mean 'target'?"),
        (own({"a": "score ~ n_star +"}), "column 17: the end: expected a variable"),
        (own({}, (("size", "x", {"r_str": 1}),)), "contrast x of model size = 'r_str': no such term; expected of"),
        (own({}, (("size", "x", {"r_str": 1}),)), "did you mean 'r_star'?"),
    ],
)
def test_what_these_rows_do_not_have_is_told(few: pd.DataFrame, section: AnalysisSection, told: str) -> None:
    with pytest.raises(InputFaults) as caught:
        analyze(few, AnalysisOptions(own=section))
    assert told in str(caught.value)


def test_formulas_of_the_command_line(
    few: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = few["run_id"].str[-1].isin(list("13579"))
    few.assign(**{"factor.act": odd.map({True: "relu", False: "elu"})}).to_csv("scores.csv", index=False)
    words = (
        "analyze",
        "--results",
        "scores.csv",
        "--out",
        "out",
        "--formula",
        "score ~ act + (1 | target)",
        "--formula",
    )
    assert study(capfd, *words, "score ~ 1 + (1 | run_id)")[0] == 0
    models = json.loads(Path("out", "fit.json").read_text())["models"]
    assert [row["term"] for row in models["formula-1"]["fixed"]] == ["intercept", "factor.act[relu]"]
    assert [row["group"] for row in models["formula-2"]["random"]] == ["run_id"]
    status, _, err = study(capfd, *words, "score ~ (1 | run)")
    assert status == 2 and "model formula-2 = 'score ~ (1 | run)': column 14: `run`: no such variable" in err


def test_a_model_may_adjust_for_a_nuisance_factor_and_for_what_was_recorded(few: pd.DataFrame) -> None:
    """A planted difference between batches is found by the model that names it, and moves no other model."""
    number = few["run_id"].map({run: place for place, run in enumerate(few["run_id"].unique())})
    rows = few.assign(**{"nuisance.batch": number % 2 + 1, "device": "cpu"})
    rows["score"] += 0.2 * (rows["nuisance.batch"] == 2)
    formula = "score ~ strategy + batch + device + (1 | target)"
    analysis = analyze(rows, AnalysisOptions(own=own({"blocks": formula})))
    blocks = analysis.models["blocks"]
    found = blocks.fixed.set_index("term").loc["nuisance.batch[2]"]
    assert found["estimate"] > 0.5 and found["p"] < 1e-6
    assert blocks.coding.left_out["device[cpu]"] == "the only level that occurs"
    assert not [name for name in analysis.models["strategy"].coding.columns if "batch" in name or "device" in name]
