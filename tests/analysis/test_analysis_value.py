"""An analysis as a value: nothing is written, figures are drawn on demand; a report takes an earlier one's place."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import analyze as story
from analysis.analyze import Analysis, analyze
from analysis.exhibits import own_models, runs, strategies, variances
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels
from analysis.options import AnalysisOptions
from analysis.report.write_report import write_report
from analysis.results_table import results_table
from study.core.plan_sections import AnalysisSection, Model


@pytest.fixture(scope="module")
def analysis(results: pd.DataFrame) -> Analysis:
    own = AnalysisSection(model=(Model(name="mine", formula="score ~ r_star + (1 | target)"),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(story, "EXHIBITS", (strategies.exhibit, own_models.exhibit, variances.exhibit, runs.exhibit))
        return analyze(results, AnalysisOptions(name="<a> study", own=own))


def test_models_tables_and_figures_go_by_name(analysis: Analysis) -> None:
    assert list(analysis.models) == ["strategy", "size", "paper_strategy", "paper_size", "mine"]
    strategy = analysis.models["strategy"]
    assert strategy.criterion == strategy.fit.criterion and strategy.fixed is analysis.tables["strategy_fixed"]
    assert strategy.random["term"].iloc[-1] == "residual"
    assert analysis.models["mine"].summary().splitlines()[1] == "Formula: score ~ r_star + (1 | target)"
    assert analysis.tables["mine_fixed"]["term"].tolist() == ["intercept", "r_star"]
    assert list(analysis.components) == list(analysis.table.targets)


def test_figures_are_drawn_when_they_are_called(analysis: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def draw() -> Figure:
        calls.append("drawn")
        return panels(1)[0]

    one = Exhibit("one", "runs", (Picture("mine", "", "", draw), Picture("not", "", "why not", None)))
    more = analysis.adding(one)
    assert "mine" in more.figures and "not" not in more.figures and "mine" not in analysis.figures
    assert not calls
    figure = more.figures["mine"]()
    assert calls == ["drawn"] and figure._repr_png_().startswith(b"\x89PNG")


def test_nothing_is_written_before_a_report_is_asked_for(
    results: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(story, "EXHIBITS", (strategies.exhibit,))
    found = analyze(results_table(results, {}))
    assert found.answer and repr(found) and found._repr_html_()
    assert not list(tmp_path.iterdir())


def test_it_shows_itself(analysis: Analysis) -> None:
    lines = repr(analysis).splitlines()
    assert lines[0] == f"<a> study: {len(analysis.table.runs)} runs, 4 targets, {len(analysis.table.scores)} scores"
    assert any(line.startswith("1. ") for line in lines) and any(line.startswith("  strategy: REML") for line in lines)
    assert max(map(len, lines)) <= 100
    html = analysis._repr_html_()
    assert "&lt;a&gt; study" in html and "<a>" not in html
    assert html.count("<table>") == 2 * len(analysis.models)


def test_verdicts_have_the_numbers_of_the_models(analysis: Analysis) -> None:
    found = analysis.verdicts.set_index("effect")
    pairs = analysis.models["strategy"].contrasts.set_index("contrast")
    last = found.loc["MSS-CR - SS-R"]
    assert (last["verdict"], last["estimate"]) == ("higher", pairs.loc["MSS-CR - SS-R", "estimate"])
    assert last["p"] == pairs.loc["MSS-CR - SS-R", "p_adjusted"] and last["exhibit"] == "strategies"
    slopes = found.index[found.index.str.endswith(":n_star")]
    assert len(slopes) == 5 and len(found) == 2 * len(pairs) + 5


@pytest.mark.usefixtures("drawn_once")
def test_a_report_takes_away_what_an_earlier_one_left_and_nothing_else(analysis: Analysis, tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1]})
    gone = Exhibit("old", "runs", (Table("old", "Old", "", table), Picture("old map", "Old", "", lambda: panels(1)[0])))
    folder = tmp_path / "report"
    write_report(analysis.adding(gone), folder)
    left = {folder / "tables" / "old.csv", folder / "tables" / "old.tex", folder / "figures" / "old map.png"}
    assert all(path.is_file() for path in left)
    theirs = [
        folder / "notes.txt",
        folder / "tables" / "theirs.csv",
        folder / "figures" / "theirs.png",
        tmp_path / "x.csv",
    ]
    for path in theirs:
        path.write_text("mine")
    page = folder / "index.html"
    page.write_text(
        page.read_text().replace('["figures/', '["../x.csv", "figures/../../x.csv", "notes.txt", "figures/', 1)
    )
    assert "../x.csv" in page.read_text()
    assert analysis.write_report(str(folder)) == page
    assert not any(path.exists() for path in left)
    assert all(path.read_text() == "mine" for path in theirs)
    assert (folder / "tables" / "strategy_fixed.csv").is_file()


@pytest.mark.usefixtures("drawn_once")
@pytest.mark.parametrize("listed", ["[1, not json]", "[1, null]", ""])
def test_a_page_of_somebody_elses_is_no_list_of_files(analysis: Analysis, tmp_path: Path, listed: str) -> None:
    (tmp_path / "index.html").write_text(f"<meta name=\"written\" content='{listed}'>")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_text("theirs")
    analysis.write_report(tmp_path)
    assert (tmp_path / "tables" / "a.csv").read_text() == "theirs"
