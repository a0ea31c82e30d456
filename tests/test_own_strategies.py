"""A study's own strategies: clones of the six give equal weights, costs and reports; one goes to the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.analyze import analyze
from analysis.options import AnalysisOptions
from jobs.learn_step import learn
from jobs.learning.representation import load_network
from jobs.preparation import prepare
from study.core.cost import representation_flops, run_cost_gpu_hours, run_work
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.run import Run, make_run
from study.core.strategies import BUILT_IN, STRATEGIES
from study.core.study_file import Study
from study.workflow.analysis import analyze_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from tests.analysis.conftest import simulated_results
from tests.study.core.test_strategies import CLONES, OF_CLONES, ORIGINAL, OWN
from tests.test_bad_input import edit

SELF = '[sources.self]\nlabels = "self"\n'


def learned(study: Study, run: Run) -> dict[str, torch.Tensor]:
    learn(study, run, ("timbre",), "attempt")
    network, _, _ = load_network(Paths(study.store).weights(run.run_id))
    return network.state_dict()


def test_clones_of_the_six_and_of_self_have_equal_weights_and_costs(small_study: Path, tmp_path: Path) -> None:
    """With the run's id pinned, since its seeds come from that."""
    study = read_study(small_study)
    prepare(study, workers=1)
    text = (small_study / "study.toml").read_text(encoding="utf-8")
    assert SELF in text
    before_phases = text.replace(SELF, SELF.replace("sources.self", "sources.views")).split("[[design.phase]]")[0]
    (small_study / "study.toml").write_text(
        f"{before_phases}{OF_CLONES}[factors]\nstrategy = {json.dumps(list(CLONES))}\n", encoding="utf-8"
    )
    cloned = read_study(small_study, [f'study.store="{tmp_path}"'])
    prepare(cloned, workers=1)
    for name, original in ORIGINAL.items():
        sources = ("self",) if BUILT_IN[original].is_single else ("self", "tag")
        run = make_run(study, "all", 0, original, sources)
        clone = make_run(cloned, "all", 0, name, tuple({"self": "views"}.get(one, one) for one in sources))
        assert clone.run_id != run.run_id, "named otherwise, so another run"
        clone = replace(clone, run_id=run.run_id)
        assert run_cost_gpu_hours(cloned, clone, 1000) == run_cost_gpu_hours(study, run, 1000)
        assert run_work(cloned, clone) == run_work(study, run)
        assert representation_flops(cloned, clone) == representation_flops(study, run)
        ours, theirs = learned(study, run), learned(cloned, clone)
        assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_clones_are_reported_as_the_six(tmp_path: Path) -> None:
    rows = simulated_results()
    clone_of = {original: name for name, original in ORIGINAL.items()}
    renamed = rows.assign(strategy=rows["strategy"].map(lambda name: clone_of.get(name, name)))
    ours = analyze(rows, AnalysisOptions())
    theirs = analyze(renamed, AnalysisOptions(strategies=CLONES))
    for name, model in ours.models.items():
        numbers = model.fixed.select_dtypes("number")
        np.testing.assert_allclose(theirs.models[name].fixed.select_dtypes("number"), numbers, rtol=1e-9)
    assert [sentence.replace("my-", "") for sentence in theirs.findings] == list(ours.findings)
    assert all(figure() is not None for figure in theirs.figures.values())


@pytest.fixture
def own_study(small_study: Path) -> Path:
    """A small study with MS-CR@3, which shares two stages, beside four of the six."""
    path = small_study / "study.toml"
    edit(path, "n_sources = [1]\nrepeats = 2", "n_sources = [1]\nrepeats = 1")
    several = '["MS-SR@FC", "MS-CR@4", "MS-CR@3", "MSS-CR"]'
    text = path.read_text(encoding="utf-8").replace('["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]', several)
    head, phases = text.split("[[design.phase]]", 1)
    own = OWN + '[factors]\nstrategy = ["SS-R", "MS-SR@FC", "MS-CR@4", "MS-CR@3", "MSS-CR"]\n'
    path.write_text(f"{head}{own}[[design.phase]]{phases}", encoding="utf-8")
    return small_study


def test_an_own_strategy_from_the_design_to_the_report(
    own_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.workflow.plan.N_SIMULATIONS", 5)
    study = read_study(own_study)
    design_study(study, "8")
    page = (Paths(study.store).design / "design.html").read_text(encoding="utf-8")
    assert "MS-CR@3" in page
    prepare(study, workers=1)
    launch_study(study, LaunchOptions(in_process=True))
    runs = [run for run in read_plan(Paths(study.store).plan, study) if run.strategy == "MS-CR@3"]
    assert {run.n_sources for run in runs} == {2, 3}
    network, _, _ = load_network(Paths(study.store).weights(runs[0].run_id))
    assert [name for name, _ in network.shared.named_children()] == ["conv1", "conv2"]
    assert len(network.branches) == runs[0].n_sources
    analysis = analyze_study(study)
    assert analysis.table.strategies == ("SS-R", "MS-SR@FC", "MS-CR@4", "MS-CR@3", "MSS-CR")
    terms = analysis.models["strategy"].coding.columns
    assert "strategy[MS-CR@3]" in terms and "strategy[MS-CR@3]:n_star" in terms
    of_size = analysis.models["size"].coding.columns["r_star"]
    assert set(of_size.round(4)) == {0, 0.2, 0.6, round(study.known_strategies["MS-CR@3"].size, 4), 1}
    analysis.write_report(tmp_path / "report")
    fit = json.loads((tmp_path / "report" / "fit.json").read_text(encoding="utf-8"))
    assert any(row["term"] == "strategy[MS-CR@3]" for row in fit["models"]["strategy"]["fixed"])
    exported = pd.concat(pd.read_parquet(file) for file in Paths(study.store).results.rglob("*.parquet"))
    assert set(STRATEGIES) & set(exported["strategy"]) and "MS-CR@3" in set(exported["strategy"])
