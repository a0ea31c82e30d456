"""The native fits beside lme4's, fitted now through pymer4; without it those tests are skipped."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.analyze import analyze
from analysis.fitting import lme4
from analysis.fitting.engine_fit import EngineFailed
from analysis.fitting.random_terms import RandomTerm
from analysis.options import AnalysisOptions
from analysis.report.cross_check import CrossCheck, sentences
from study.commands.analyze import analyze as analyze_command
from study.core.errors import InputFaults
from tests.analysis.conftest import reported
from tests.contracts.engine import EngineContract


@pytest.fixture
def pymer4() -> None:
    """Skip where pymer4, R or an R package is missing, by its name."""
    try:
        lme4.versions()
    except InputFaults as missing:
        pytest.skip(missing.faults[0].expected)


@pytest.mark.lme4
@pytest.mark.usefixtures("pymer4")
class TestLme4(EngineContract):
    engine = "lme4"
    criterion_tolerance = 1e-6
    same_standard_errors = True


@pytest.mark.lme4
@pytest.mark.usefixtures("pymer4")
def test_a_model_that_lme4_refuses_is_told_in_its_words() -> None:
    columns = pd.DataFrame({"intercept": np.ones(6)})
    with pytest.raises(EngineFailed, match="number of levels of each grouping factor must be < number of obs"):
        lme4.fit(np.arange(6.0), columns, [RandomTerm("letter", np.array(list("abcdef")), columns)])


@pytest.mark.lme4
@pytest.mark.usefixtures("pymer4", "models_alone")
def test_the_report_says_what_it_was_checked_with_and_how_far_they_are_apart(
    results: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = results.assign(target=results["target"].replace("irmas", 'a`b "é'))
    odd.to_csv(tmp_path / "rows.csv", index=False)
    analyze_command(tmp_path, [tmp_path / "rows.csv"], tmp_path / "report", cross_check="lme4")
    told = capsys.readouterr().err
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    versions = lme4.versions()
    assert list(versions) == ["pymer4", "R", "lme4", "lmerTest"]
    for said in (f"lme4 {versions['lme4']}, lmerTest {versions['lmerTest']}",
                 "Model strategy: the engines agree; largest differences: criterion ",
                 "Model size: the engines agree; largest differences: criterion "):  # fmt: skip
        assert said in told
        assert said in page
    numbers = pd.read_csv(tmp_path / "report" / "tables" / "cross_check.csv", keep_default_na=False)
    assert list(numbers) == ["model", "quantity", "term", "ours", "lme4", "difference"]
    strategy = pd.read_csv(tmp_path / "report" / "tables" / "strategy_fixed.csv")
    here = numbers[(numbers["model"] == "strategy") & (numbers["quantity"] == "se")]
    assert here["term"].tolist() == strategy["term"].tolist()
    np.testing.assert_allclose(here["ours"], strategy["se"])
    n_deviations = numbers.groupby(["model", "quantity"]).size()
    assert n_deviations["paper_size", "sd"] == 4  # three slopes by target and the residual
    assert n_deviations["size", "sd"] == 9  # runs, two kinds of combinations, strategies, and these by target besides


@pytest.mark.lme4
@pytest.mark.usefixtures("pymer4", "models_alone")
def test_a_model_without_a_native_fit_is_not_cross_checked(simulate, tmp_path: Path) -> None:
    rows = simulate(strategies={"SS-R": 0.0}, targets=("gtzan", "irmas"), baselines={})
    found = reported(rows, tmp_path, cross_check="lme4")
    sentences_of = {line.split()[1].rstrip(":"): line for line in found.analysis.cross_check[1:]}
    assert sentences_of["size"].startswith("Model size was not cross-checked: it has no certified fit: no term")
    assert sentences_of["strategy"].startswith("Model strategy: the engines agree")


def test_engines_that_are_apart_are_said_to_disagree() -> None:
    differences = {"criterion": 1e-5, "estimate": 0.0, "se": 2e-4, "df": 9.0, "sd": 9e-4}
    rows = [("strategy", quantity, "x", 1.0, 1.0 + apart, -apart) for quantity, apart in differences.items()]
    comparison = pd.DataFrame(rows, columns=["model", "quantity", "term", "ours", "lme4", "difference"])
    told = list(sentences(CrossCheck("lme4", {"lme4": "1"}, comparison, {})))
    assert told[1] == (
        "Model strategy: the engines disagree in standard errors; largest differences: "
        "criterion 1.0e-05, estimates 0.0e+00, standard errors 2.0e-04, standard deviations 9.0e-04."
    )


@pytest.mark.usefixtures("models_alone")
def test_without_a_cross_check_the_report_says_so(simulate, tmp_path: Path) -> None:
    rows = simulate(strategies={"SS-R": 0.0}, targets=("gtzan", "irmas"), baselines={})
    found = reported(rows, tmp_path)
    assert found.analysis.cross_check == ()
    assert "These fits were not cross-checked" in found.page.read_text(encoding="utf-8")
    assert not (tmp_path / "tables" / "cross_check.csv").exists()


def test_an_unknown_engine_is_a_fault_before_anything_is_written(results: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputFaults, match="'lmer4': no such engine; expected statsmodels or lme4; did you mean 'lme4'"):
        analyze(results, AnalysisOptions(cross_check="lmer4"))


@pytest.mark.parametrize("missing", ["pymer4.rfuncs", "polars"])
def test_a_missing_package_is_a_fault_that_says_how_to_install_it(
    results: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputFaults) as raised:
        analyze(results, AnalysisOptions(cross_check="lme4"))
    told = str(raised.value)
    assert told.startswith("engine = 'lme4': ")
    assert "pip install 'representation-study[lme4]'" in told
    assert "install.packages(c('lme4', 'lmerTest'" in told
