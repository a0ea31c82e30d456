from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.learn_step import learn
from jobs.learning.precision import RECURRENT, Arithmetic
from jobs.learning.representation import load_network
from jobs.networks.branching import Network
from jobs.preparation import prepare
from jobs.records import read_trained
from study.core.cost import n_parameters, source_factors_of
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.run import Run, baseline_runs, make_run
from study.core.study_file import Study
from tests.jobs.test_preparation import with_dynamics


@pytest.fixture
def study(small_study: Path) -> Study:
    path = small_study / "study.toml"
    text = path.read_text(encoding="utf-8").replace("[training]\n", '[training]\nbackbone = "lstm"\n')
    path.write_text(text + '[factors]\nactivation = ["elu", "gelu"]\n', encoding="utf-8")
    study = read_study(small_study)
    prepare(study, workers=1)
    return study


def learned(study: Study, run: Run) -> Network:
    learn(study, run, ("timbre",), "attempt")
    network, _, _ = load_network(Paths(study.store).weights(run.run_id))
    return network


def test_a_run_has_the_backbone_and_activation_of_its_study_and_levels(study: Study) -> None:
    run = make_run(study, "all", 0, "MS-CR@4", ("self", "tag"), {"activation": "gelu"})
    network = learned(study, run)
    assert (network.backbone, network.activation) == ("lstm", "gelu")
    record = read_trained(Paths(study.store), run.run_id)
    sources = {"self": None, "tag": 3}
    assert record is not None and record.outcome == "ok"
    assert record.n_parameters == n_parameters("MS-CR@4", sources, 1, 0.125, "lstm", n_mels=32)
    [vectors] = Paths(study.store).representations(run.run_id).glob("*.npy")
    assert np.load(vectors).shape == (20, 2 * network.representation_dim)

    shutil.rmtree(Paths(study.store).runs / run.run_id)
    again = learned(study, run).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in network.state_dict().items())


def test_output_layers_of_levels_have_as_many_units_as_the_table_has_levels(small_study: Path) -> None:
    study = with_dynamics(small_study, 'labels = "classes"\ntable = "pitch.csv"')
    prepare(study, workers=1)
    run = make_run(study, "all", 0, "MS-CR@6", ("self", "pitch", "tag"))
    assert source_factors_of(study, run) == {"self": None, "pitch": 0, "tag": 3}
    network = learned(study, run)
    assert network.source_factors == {"self": None, "pitch": 4, "tag": 3}


@pytest.mark.parametrize(("levels", "compiled"), [("", False), ('backbone = ["lstm", "base"]\n', True)])
def test_a_study_is_compiled_if_any_backbone_can_be_and_a_recurrent_run_never(
    small_study: Path, monkeypatch: pytest.MonkeyPatch, levels: str, compiled: bool
) -> None:
    monkeypatch.setattr("jobs.learning.precision.what_a_compiler_lacks", lambda: "")
    monkeypatch.setattr("jobs.learning.precision.COMPILED_FROM_FLOP", {"cpu": 0.0, "cuda": 0.0})
    path = small_study / "study.toml"
    text = path.read_text(encoding="utf-8").replace("[training]\n", '[training]\nbackbone = "lstm"\n')
    path.write_text(f"{text}[factors]\nactivation = ['relu', 'elu']\n{levels}", encoding="utf-8")
    study = read_study(small_study)
    prepare(study, workers=1)
    run = make_run(study, "single", 0, "SS-R", ("tag",), {"backbone": "lstm"} if levels else {})
    learned(study, run)
    assert Arithmetic.of((Paths(study.store).runs / "precision").read_text(encoding="utf-8")).compiled == compiled
    started = json.loads(Paths(study.store).log(run.run_id).read_text(encoding="utf-8").splitlines()[0])
    assert (started["compiled"], started["because"]) == (False, RECURRENT)


def test_the_random_baseline_is_the_untrained_network_of_the_study(study: Study) -> None:
    runs = [run for run in baseline_runs(study) if run.strategy == "Random" and run.replicate == 0]
    networks = [learned(study, run) for run in runs]
    assert [(network.backbone, network.activation) for network in networks] == [("lstm", "elu"), ("lstm", "gelu")]
    assert all(network.source_factors == {} for network in networks)
    assert not torch.equal(networks[0].shared.frame.norm.running_mean, torch.zeros(16))
