"""A package's own nn.Module and a study's own strategy, from check to the report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from jobs.learning.representation import load_network
from jobs.networks.stages import measured_costs
from jobs.preparation import prepare
from study.core.backbones import backbone_named
from study.core.cost import run_cost_gpu_hours, run_work
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.run_works import networks_of
from study.workflow.analysis import analyze_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from tests.own_package import import_from, unpack, write_wheel
from tests.small_study import STUDY
from tests.test_bad_input import study as run_command
from tests.test_extend import ENTRY_POINTS, MODULES, PROJECT

STRATEGIES = ["SS-R", "MS-SR@FC", "one-block", "MSS-CR"]
OWN = f"""[strategies.one-block]
share = "block1"
size = 0.5
[factors]
strategy = {json.dumps(STRATEGIES)}
"""


@pytest.fixture
def tiny(small_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small study with the network of docs/extend.md, whose package is installed."""
    files = {"soundlab/__init__.py": "", **MODULES}
    site = unpack(write_wheel(tmp_path, files, ENTRY_POINTS, PROJECT["name"], PROJECT["version"]), tmp_path / "site")
    import_from(site, monkeypatch)
    head, _ = STUDY.split("[[design.phase]]", 1)
    text = head.replace("[training]\n", '[training]\nbackbone = "tiny"\n').replace("random = 2", "random = 1") + OWN
    (small_study / "study.toml").write_text(text, encoding="utf-8")
    return small_study


def test_it_goes_from_check_to_the_report(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.workflow.plan.N_SIMULATIONS", 5)
    status, _, err = run_command(capfd, "check", str(tiny))
    assert status == 0 and "soundlab" not in sys.modules, err
    study = read_study(tiny)
    facts = design_study(study, "6")
    assert "backbone tiny declares no cost: plans count its runs alike" in facts["cost_note"]
    runs = read_plan(Paths(study.store).plan, study)
    assert {run.strategy for run in runs} == set(STRATEGIES)
    assert {run_work(study, run) for run in runs} == {1.0} and run_cost_gpu_hours(study, runs[0], 100) is None
    with pytest.raises(InputFaults, match="expected a number of runs"):
        design_study(study, "1gpuh", replace=True)

    prepare(study, workers=1)
    assert run_cost_gpu_hours(study, runs[0], 100) > 0
    assert {run_work(study, run) for run in runs} == {1.0}, "the order of a plan does not depend on what is prepared"
    launch_study(study, LaunchOptions(in_process=True))
    own = next(run for run in runs if run.strategy == "one-block")
    network, _, _ = load_network(Paths(study.store).weights(own.run_id))
    assert [name for name, _ in network.shared.named_children()] == ["block1"]
    assert network.representation_dim == own.n_sources * 8 and network.specification["crop_frames"] == 63
    analysis = analyze_study(study)
    assert analysis.table.strategies == tuple(STRATEGIES)
    assert set(analysis.models["size"].coding.columns["r_star"]) == {0, 0.2, 0.5, 1}
    page = analysis.write_report(tmp_path / "report")
    assert "one-block" in page.read_text(encoding="utf-8")


def test_measured_costs_are_those_of_a_forward_pass(tiny: Path) -> None:
    study = read_study(tiny)
    (training,) = networks_of(study)
    crop = (1, 63, 32)
    costs = measured_costs(backbone_named("tiny"), crop, training.width)
    assert [cost.shape for cost in costs] == [(2, 31, 16), (4, 15, 8), (8, 1, 1)]
    assert [cost.parameters for cost in costs] == [9 * 2 + 3 * 2, 9 * 2 * 4 + 3 * 4, 4 * 8 + 3 * 8]
    assert [cost.flops for cost in costs] == [2 * 63 * 32 * 9 * 2, 2 * 31 * 16 * 9 * 2 * 4, 2 * 4 * 8]


def test_faults_of_own_backbones(tiny: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tiny / "study.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"tiny"', '"tinny"'), encoding="utf-8")
    status, _, err = run_command(capfd, "check", str(tiny))
    assert status == 2 and "did you mean 'tiny'?" in err
    path.write_text(text.replace('share = "block1"', 'share = "block9"').replace('"MSS-CR"]', '"MS-CR@4"]'))
    study = read_study(tiny)
    with pytest.raises(InputFaults) as raised:
        design_study(study, "6")
    found = [str(fault) for fault in raised.value.faults]
    assert len(found) == 2 and all("has the stages block1, block2, pooled" in fault for fault in found)
    with pytest.raises(InputFaults, match="block9"):
        prepare(study, workers=1)
    path.write_text(text.replace("size = 0.5\n", ""), encoding="utf-8")
    status, _, err = run_command(capfd, "check", str(tiny))
    assert status == 2 and "[strategies.one-block] size: missing" in err
