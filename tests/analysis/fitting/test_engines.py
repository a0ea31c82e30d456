"""statsmodels as an engine; that a wrong optimum of any engine is found out; what the report says of engines."""

from __future__ import annotations

import json
import warnings
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

from analysis.analyze import analyze
from analysis.fitting import statsmodels
from analysis.fitting.engine_fit import EngineFailed
from analysis.fitting.engines import fit_by
from analysis.fitting.mixed_model import NotCertified, fit_at, fit_mixed
from analysis.fitting.random_terms import RandomTerm
from analysis.options import AnalysisOptions
from study.core.coding import first_model
from study.core.errors import InputFaults
from tests.analysis.conftest import reported
from tests.contracts.engine import REFERENCE, EngineContract


class TestStatsmodels(EngineContract):
    engine = "statsmodels"
    criterion_tolerance = 1e-5
    same_standard_errors = False  # its are from the observed information of all parameters together


def test_what_statsmodels_has_no_model_for_is_refused_by_name() -> None:
    one = pd.DataFrame({"intercept": np.ones(12)})
    a, b = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)
    correlated = RandomTerm("a", a, one.assign(x=np.arange(12.0)), correlated=True)
    y = np.arange(12.0)
    with pytest.raises(EngineFailed, match="not beside crossed factors"):
        statsmodels.fit(y, one, [correlated, RandomTerm("b", b, one)])
    with pytest.raises(NotCertified, match="statsmodels did not fit it: MixedLM has correlated coefficients in one"):
        fit_by("statsmodels", y, one, [correlated, RandomTerm("b", b, one)])
    many = pd.DataFrame({"intercept": np.ones(300)})
    with pytest.raises(EngineFailed, match="would hold 301 crossed effects"):
        statsmodels.fit(np.arange(300.0), many, [RandomTerm("a", np.arange(300), many),
                                                 RandomTerm("b", np.zeros(300, dtype=int), many)])  # fmt: skip


def test_an_optimum_that_is_none_is_found_out() -> None:
    """From some starts MixedLM's own search of the first model reports convergence 4 to 16 above the optimum."""
    rows = pd.read_csv(REFERENCE / "mixed_models_balanced.csv").sort_values("target", kind="stable")
    coding = first_model(rows)
    y, columns = rows["score"].to_numpy(), coding.columns
    random = columns[list(coding.random)].to_numpy()
    codes = pd.factorize(rows["target"])[0]
    mats = [[random[codes == j][:, [k]] for j in range(codes.max() + 1)] for k in range(random.shape[1])]
    names = [[["1"] for _ in one] for one in mats]
    model = MixedLM(y, columns.to_numpy(), codes, exog_re=np.empty((len(y), 0)),
                    exog_vc=VCSpec(list(coding.random), names, mats))  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        starts = [np.full(model.k_vc, np.sqrt(variance)) for variance in (0.03, 0.05, 0.08, 0.1, 0.12)]
        ended = [model.fit(start_params=start, reml=True, method="lbfgs") for start in starts]
    by_target = RandomTerm("target", rows["target"].to_numpy(), columns[list(coding.random)])
    ours = fit_mixed(y, columns, [by_target])
    wrong = [theirs for theirs in ended if theirs.converged and -2.0 * theirs.llf > ours.criterion + 1.0]
    assert wrong, "which starts end so depends on rounding, and so on the processor"
    for theirs in wrong:
        with pytest.raises(NotCertified, match="not an optimum: the criterion there is"):
            fit_at(y, columns, [by_target], [np.diag(theirs.vcomp / theirs.scale)])


@pytest.mark.usefixtures("models_alone")
@pytest.mark.slow
def test_the_report_says_who_fitted_and_who_checked(results: pd.DataFrame, tmp_path: Path) -> None:
    found = reported(results, tmp_path, engine="statsmodels", cross_check="statsmodels")
    fits = json.loads((tmp_path / "fit.json").read_text())["models"]
    assert [fits[name]["engine"] for name in ("strategy", "size", "components")] == ["statsmodels"] * 2 + ["native"]
    models = found.analysis.models
    assert models["strategy"].why_not.startswith("statsmodels ended at criterion"), "crossed terms: it stops short"
    for model in (models["paper_strategy"], models["paper_size"]):
        native = fit_mixed(model.fit.y, model.fit.fixed, model.fit.random)
        assert model.fit.criterion == pytest.approx(native.criterion, abs=1e-5)
    page = found.page.read_text(encoding="utf-8")
    version = statsmodels.versions()["statsmodels"]
    assert f"statsmodels {version}" in page
    assert "The variances are those at which statsmodels stopped" in page
    assert found.analysis.cross_check[0].startswith(f"Cross-checked with statsmodels (statsmodels {version})")
    agreed = "Model paper_strategy: the engines agree; largest differences: criterion "
    assert any(line.startswith(agreed) for line in found.analysis.cross_check)


def test_an_engine_that_is_not_installed_is_a_fault(
    results: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statsmodels, "version", Mock(side_effect=PackageNotFoundError("statsmodels")))
    with pytest.raises(InputFaults, match="'statsmodels': statsmodels is not installed; needed is pip install statsm"):
        analyze(results, AnalysisOptions(cross_check="statsmodels"))


def test_an_unknown_engine_is_a_fault(results: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputFaults, match="'nativ': no such engine; expected native or statsmodels or lme4; did you m"):
        analyze(results, AnalysisOptions(engine="nativ"))
