from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.formulas.further_contrasts import CONTRAST_KEYS
from analysis.report.fit_json import FIXED_KEYS
from analysis.result_checks import NEEDED
from analysis.results_table import PROVENANCE
from tests.analysis.conftest import Report, reported

METRICS = dict.fromkeys(("ballroom", "gtzan", "irmas", "valence"), "accuracy")
PICTURES = ["answer", "ranking", "means_by_n_sources", "effects", "effects_size", "sources_by_target",
            "strategies_by_target", "scores_by_n_sources", "components", "source_effects", "aliasing", "balance",
            "with_and_without_best_source", "components_and_single_sources", "residual_spread", "score_parts",
            "parameters_by_n_sources", "representation_map_gtzan", "predictions", "diagnostics_strategy",
            "diagnostics_size", "targets_strategy", "targets_size", "sensitivity"]  # fmt: skip


@pytest.mark.slow
def test_the_page_is_whole_and_needs_no_network(report: Report) -> None:
    page = report.page.read_text()
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", page)
    assert headings == ["The answer", "Runs and targets", "Figures", "Tables", "Methods", "Provenance"]
    assert page.count('src="data:image/png;base64,') == len(report.figures)
    without_pictures = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    assert not re.search(r"https?:|//[a-z]|<link|@import|url\(|fetch|import\(|XMLHttp", without_pictures)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert page.count("<script") == 1 and len(script) < 4000
    for finding in report.analysis.findings:
        assert finding in html.unescape(page)
    n_runs = report.analysis.table.scores["run_id"].nunique()
    assert f"{n_runs} of {n_runs + 1} planned runs have a score" in page
    assert "20 certified refits" in page


def test_pictures_are_there_as_png_and_svg(report: Report) -> None:
    folder = report.page.parent / "figures"
    assert {path.name for path in folder.iterdir()} == {
        f"{name}{suffix}" for name in PICTURES for suffix in (".png", ".svg")
    }


def test_fit_json_has_the_keys_of_the_interface(report: Report) -> None:
    fit = json.loads((report.page.parent / "fit.json").read_text())
    assert set(fit) == {"models", "variance_components", "checks"}
    assert list(fit["models"]) == ["strategy", "size", "paper_strategy", "paper_size", "components"]
    for model in fit["models"].values():
        assert list(model) == ["formula", "engine", "criterion", "reml", "n_rows", "groups", "converged", "singular",
                               "fixed", "random", "correlations", "residual_sd", "contrasts", "mean_n_star", "means",
                               "contrasts_of_means", "statements", "omitted"]  # fmt: skip
        assert model["converged"] is True
        for row in model["fixed"]:
            assert list(row) == ["term", "estimate", "se", "df", "t", "p", "ci_low", "ci_high", "ci_method",
                                 "bootstrap_low", "bootstrap_high"]  # fmt: skip
        for row in model["random"]:
            assert list(row) == ["group", "term", "variance", "sd", "boundary"]
            assert row["boundary"] is (row["variance"] == 0)
    assert fit["models"]["paper_size"]["formula"] == (
        "z ~ 0 + `intercept` + `r_star` + `n_star` + `r_star:n_star` + (0 + `r_star` | target) "
        "+ (0 + `n_star` | target) + (0 + `r_star:n_star` | target)"
    )
    assert fit["models"]["size"]["formula"] == fit["models"]["paper_size"]["formula"] + (
        " + (0 + `intercept` | run_id) + (0 + `one source` | combination) + (0 + `several sources` | combination)"
        " + (0 + `intercept` | target:strategy) + (0 + `intercept` | strategy)"
    )
    strategy = fit["models"]["strategy"]
    assert list(strategy["contrasts"][0]) == ["contrast", "estimate", "se", "df", "p", "p_adjusted", "adjustment",
                                              "ci_low", "ci_high"]  # fmt: skip
    assert strategy["criterion"] == pytest.approx(report.analysis.models["strategy"].fit.criterion)
    assert strategy["fixed"][0]["bootstrap_low"] < strategy["fixed"][0]["bootstrap_high"]
    assert list(fit["variance_components"]) == list(METRICS)
    assert set(fit["variance_components"]["ballroom"]["bpm"]) == {"percent", "low", "high"}


def test_tables_hold_what_the_page_and_fit_json_say(report: Report) -> None:
    folder = report.page.parent / "tables"
    fixed = pd.read_csv(folder / "strategy_fixed.csv")
    pd.testing.assert_frame_equal(fixed, report.analysis.models["strategy"].fixed)
    scores = pd.read_csv(folder / "scores.csv")
    assert len(scores) == len(report.analysis.table.scores)
    assert {path.stem for path in folder.glob("*.csv")} == {
        "strategy_fixed", "strategy_random", "strategy_contrasts", "strategy_contrasts_of_means", "strategy_means",
        "size_fixed", "size_random", "components", "source_effects", "scores_by_strategy", "scores_by_source",
        "targets", "scores", "baselines", "best_source", "components_and_single_sources", "residual_spread",
        "spread_tests", "within_source", "score_parts", "parameters", "topics", "fit_facts", "residuals",
        "targets_strategy", "targets_size", "sensitivity", "sensitivity_fixed", "sensitivity_effects", "predictions",
        "answer", "statements", "ranking", "means_by_n_sources", "effects_in_own_units",
        "effects_in_own_units_with_intervals", "baseline_differences", "check_dependence", "check_comparison",
        "check_runs", "check_influence", "check_targets", "check_scores", "strategies",
    }  # fmt: skip


def test_tables_of_the_page_are_there_as_latex(report: Report) -> None:
    folder = report.page.parent / "tables"
    on_page = set(re.findall(r'id="table-([^"]+)"', report.page.read_text()))
    assert {path.stem for path in folder.glob("*.tex")} == on_page and "sensitivity" in on_page
    for path in folder.glob("*.tex"):
        lines = path.read_text().splitlines()
        (kinds,) = re.findall(r"\\begin{tabular}{([lr]+)}", "\n".join(lines))
        rows = lines[lines.index(r"\toprule") + 1 : lines.index(r"\bottomrule")]
        assert all(len(re.findall(r"(?<!\\)&", row)) == len(kinds) - 1 for row in rows if row != r"\midrule")


def test_the_draws_of_the_bootstrap_are_there_with_their_seed(report: Report) -> None:
    strategy = report.analysis.models["strategy"]
    draws = pq.read_table(report.page.parent / "tables" / "strategy_draws.parquet")
    about = {key.decode(): value.decode() for key, value in draws.schema.metadata.items()}
    assert about == {"seed": "1", "model": "strategy", "formula": strategy.formula, "refits": "20",
                     "refits_left_out": "0"}  # fmt: skip
    terms = strategy.fit.fixed_terms
    shared = ["run_id.intercept", "combination.one source", "combination.several sources"]
    by_target = [f"{kind}.{term}" for kind in ("fixed", "variance.target") for term in terms]
    assert draws.column_names == by_target + [f"variance.{name}" for name in shared]
    low, high = np.quantile(draws["fixed.strategy[SS-R]"].to_numpy(), [0.025, 0.975])
    row = strategy.fixed.set_index("term").loc["strategy[SS-R]"]
    assert (low, high) == pytest.approx((row["bootstrap_low"], row["bootstrap_high"]))


def test_what_is_written_is_documented(report: Report) -> None:
    text = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text(encoding="utf-8")
    written = [path.stem for folder in ("figures", "tables") for path in (report.page.parent / folder).iterdir()]
    keys = list(json.loads((report.page.parent / "fit.json").read_text())["models"]["strategy"])
    assert [name for name in (*written, *keys) if f"`{name.replace('_gtzan', '_<target>')}`" not in text] == []
    assert [name for name in (*NEEDED, *PROVENANCE) if f"`{name}`" not in text] == []
    for keys in (FIXED_KEYS[:8], CONTRAST_KEYS):
        assert ", ".join(keys) in text


@pytest.mark.slow
def test_the_same_input_gives_the_same_report(results, tmp_path) -> None:
    few = results[results["target"].isin(["gtzan", "irmas"]) & results["strategy"].isin(["SS-R", "MSS-CR"])]
    few = few[few["source.bpm"]]
    pages = [reported(few, tmp_path / name, name="s", seed=3).page.read_bytes() for name in ("a", "b")]
    assert pages[0] == pages[1]


@pytest.mark.usefixtures("drawn_once")
@pytest.mark.slow
def test_hostile_names_are_escaped(simulate, tmp_path) -> None:
    evil = "<script>alert(1)</script>"
    rows = simulate(targets=(evil, "$\\frac{"), sources=("<b>&\"'", "b$", "c"), per_cell=2)
    rows["code_version"] = "</dd><img src=x onerror=alert(2)>"
    report = reported(rows, tmp_path, name=evil)
    page = report.page.read_text()
    assert page.count("<script") == 1 and "alert(1)" not in page.replace("&lt;script&gt;alert(1)", "")
    assert "<img src=x" not in page
    assert "<b>&" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.usefixtures("drawn_once")
@pytest.mark.parametrize(
    ("keep", "lacking", "said"),
    [
        ({"SS-R": 0.0}, {"aliasing", "components", "effects_size"}, "only 0 multi-source runs"),
        (
            {"SS-R": 0.0, "MSS-CR": 1.0},
            {"components"},
            "do not distinguish these variances from each other or from the residual",
        ),
        ({"MSS-CR": 1.0}, {"components", "sources_by_target", "residual_spread"}, "there are no single-source scores"),
    ],
)
def test_small_plans_give_a_report_that_says_what_it_lacks(
    simulate, tmp_path, keep, lacking: set[str], said: str
) -> None:
    rows = simulate(strategies=keep, targets=("gtzan", "irmas"), per_cell=2, baselines={})
    page = reported(rows, tmp_path, name="small").page.read_text()
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert not lacking & drawn and "strategies_by_target" in drawn
    assert page.count('src="data:image/png;base64,') == len(drawn)
    assert said in page
    assert "No baselines were scored" in page


@pytest.mark.usefixtures("drawn_once")
def test_four_columns_are_enough(results, tmp_path) -> None:
    rows = results.groupby(["run_id", "target", "strategy"], as_index=False)["score"].mean()
    report = reported(rows, tmp_path, name="elsewhere")
    assert report.analysis.models["strategy"].fit is not None
    page = report.page.read_text()
    assert "the table does not give the number of sources of each run" in page
    assert "The rows have no columns on their origin." in page


@pytest.mark.usefixtures("drawn_once")
def test_a_model_without_a_certified_fit_is_said_and_has_no_numbers(simulate, tmp_path) -> None:
    rows = simulate(
        strategies={"SS-R": 0.0, "MSS-CR": 1.0}, targets=("gtzan", "irmas"), sources=("self", "bpm"), per_cell=1
    )
    one_each = rows[rows["run_id"].isin(["run000", "run002"]) | (rows["phase"] == "baseline")]
    report = reported(one_each, tmp_path, name="tiny")
    assert report.analysis.models["strategy"].fit is None
    fit = json.loads((tmp_path / "fit.json").read_text())["models"]["strategy"]
    assert (fit["converged"], fit["criterion"], fit["fixed"]) == (False, None, [])
    why_not = report.analysis.models["strategy"].why_not
    assert f"The strategies could not be compared: {why_not}" in report.page.read_text().replace("&#39;", "'")
