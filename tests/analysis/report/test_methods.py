"""The paragraph to be pasted says what was really done."""

from __future__ import annotations

import html
import re
from importlib.metadata import version

import pandas as pd
import pytest

from study.core.version import __version__
from tests.analysis.conftest import reported


def paragraph(page: str) -> str:
    (found,) = re.findall(r'<p class="paste">(.*?)</p>', page, re.DOTALL)
    return html.unescape(found)


def test_rows_models_and_versions_are_in_it(report) -> None:
    said = paragraph(report.page.read_text(encoding="utf-8"))
    table, strategy = report.analysis.table, report.analysis.models["strategy"]
    assert said.startswith(f"{len(table.runs)} learned representations were scored on 4 targets")
    assert f"gave {len(table.scores)} scores, each the mean of 2 evaluations" in said
    assert "Rows left out: none. 2 baselines" in said
    ended = f"converged, −2 log restricted likelihood {strategy.fit.criterion:.3f}, {strategy.singularity}"
    assert re.search(rf"Model strategy: .*Eq\. 10-12\).* \({len(table.scores)} rows.*\); {re.escape(ended)}\.", said)
    assert "single-step (max-t)" in said and "strategies (30) and number of sources (5)" in said
    assert "20 parametric bootstrap refits" in said
    assert "test of Brown and Forsythe" in said and "Feldt's" in said
    assert f"representation-study {__version__} (Python" in said and f"numpy {version('numpy')}" in said


@pytest.mark.usefixtures("models_alone")
def test_what_was_left_out_or_has_no_fit_is_said(results: pd.DataFrame, tmp_path) -> None:
    few = results[~results["strategy"].isin(["MS-SR@FC", "MS-CR@6"])]
    few = few.assign(outcome=(few["run_id"] == "run001").map({True: "diverged", False: "ok"}))
    said = paragraph(reported(few, tmp_path / "a", bootstrap=5).page.read_text(encoding="utf-8"))
    assert "Rows left out: outcome diverged: 8." in said
    assert "left out were strategy[MS-SR@FC] (no rows) and strategy[MS-CR@6] (no rows)" in said
    single = results[results["strategy"] == "SS-R"]
    said = paragraph(reported(single, tmp_path / "b", bootstrap=5).page.read_text(encoding="utf-8"))
    assert "no fit is reported, because" in said
