from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from jobs.learning import updates as module
from jobs.learning.batches import crop_reader, draw_pairs, pair_labels
from jobs.learning.checkpoint import read_checkpoint
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.tasks import item_losses, source_tasks, validation_batches
from jobs.learning.train import Trained, train
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import MelStore, band_statistics
from study.core.errors import RunFailed
from study.core.sections import Training
from study.core.strategies import STRATEGIES
from study.testing.source_outputs import features

SEED = np.random.SeedSequence(11)
RUN_ID = "0123456789abcdef"
ALL = {"self": None, "tag": 4, "bpm": 3}
CPU = torch.device("cpu")
EACH_STEP_MINUTES = 1e-9


def labels(n_tracks: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(2)
    return {name: generator.dirichlet(np.full(k, 0.3), n_tracks) for name, k in ALL.items() if k is not None}


def timbres(n_tracks: int) -> np.ndarray:
    """Codes of tracks of 63 frames, each with a spectrum of its own."""
    generator = np.random.default_rng(5)
    spectra = generator.uniform(50, 200, (n_tracks, 1, 1, 32))
    return (spectra + generator.normal(0, 10, (n_tracks, 63, 1, 32))).clip(0, 255).astype(np.uint8).reshape(-1, 1, 32)


def network_of(strategy: str, sources: Mapping[str, int | None] = ALL, width: float = 0.1) -> Network:
    sources = dict(list(sources.items())[-1:]) if strategy == "SS-R" else sources
    return build_network(strategy, sources, channels=1, n_mels=32, width=width, seed=SEED)


def trained(network: Network, store: MelStore, folder: Path, run_id: str = RUN_ID, **settings: Any) -> Trained:
    """8 training tracks and the rest for validation; 4 steps an epoch and source by default."""
    tracks = np.arange(settings.pop("n_training", 8))
    watched = settings.pop("validation_tracks", np.arange(len(tracks), len(store)))
    others = {name: settings.pop(name) for name in ("arithmetic", "loss_of") if name in settings}
    own_labels = settings.pop("labels", labels(len(store)))
    given = {"epochs": 3, "batch_size": 2, "learning_rate": 0.01} | settings
    return train(
        network,
        store=store,
        statistics=band_statistics(store, tracks),
        crop_frames=63,
        labels=own_labels,
        training_tracks=tracks,
        validation_tracks=watched,
        settings=Training(**given),
        run_id=run_id,
        device="cpu",
        threads=1,
        checkpoint_folder=folder / "checkpoints",
        log_path=folder / "log.jsonl",
        **others,
    )


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def epochs_of(folder: Path) -> list[dict[str, Any]]:
    return [line for line in log_of(folder) if line["event"] == "epoch"]


def assert_same_bits(one: nn.Module, other: nn.Module) -> None:
    its = other.state_dict()
    assert [name for name, tensor in one.state_dict().items() if not torch.equal(tensor, its[name])] == []


@pytest.fixture
def store(make_store) -> MelStore:
    return make_store([70, 80, 63, 90, 75, 100, 64, 88, 70, 71, 72])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_overfits(strategy: str, make_store, tmp_path: Path) -> None:
    """Clips of a crop's length fix the crops; with dropout off, divergence vanishes and pairs are told apart."""
    store, tracks = make_store([63] * 32, codes=timbres(32)), np.arange(32)
    network = network_of(strategy, width=0.3)
    for layer in (part for part in network.modules() if isinstance(part, nn.Dropout)):
        layer.p = 0.0
    trained(network, store, tmp_path, n_training=32, epochs=70, batch_size=32, learning_rate=0.002)

    reader = crop_reader(store, band_statistics(store, tracks), 63, CPU)
    tasks = source_tasks(network, labels(32), tracks, tracks, CPU)
    for batch in validation_batches(np.random.default_rng(0), reader, tasks, 32):
        task = tasks[batch.source]
        if task.labels is not None:
            losses = item_losses(network, reader, task, batch.codes, batch.peak_db, batch.wanted, "float32")
            assert float(losses.detach().mean()) < 0.05
        else:
            pairs = draw_pairs(np.random.default_rng(0), tracks, 256)
            told = task.head(features(network, reader.read(pairs, 0 * pairs), task.name)).argmax(dim=1)
            assert float((told == pair_labels(256, CPU)).double().mean()) > 0.95


def test_bits_depend_on_the_run_alone(store: MelStore, tmp_path: Path) -> None:
    networks = [network_of("MS-CR@4") for _ in range(3)]
    torch.manual_seed(1)
    state = torch.get_rng_state()
    trained(networks[0], store, tmp_path / "one")
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    trained(networks[1], store, tmp_path / "again", checkpoint_minutes=EACH_STEP_MINUTES)
    trained(networks[2], store, tmp_path / "other", run_id="ff" * 8)
    assert_same_bits(networks[0], networks[1])
    assert not torch.equal(networks[0].shared.conv1.conv.weight, networks[2].shared.conv1.conv.weight)
    one, again = epochs_of(tmp_path / "one"), epochs_of(tmp_path / "again")
    assert [line["loss"] for line in one] == [line["loss"] for line in again]


class Killed(BaseException):
    """What no handler between here and the test may catch."""


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch, *args: Any, **kwargs: Any) -> Trained | None:
    """Train, and be killed in the forward pass of the given step (counted from where the training resumes)."""
    calls = iter(range(step + 1))

    def losses(*its_args: Any) -> torch.Tensor:
        if torch.is_grad_enabled() and next(calls) == step:
            raise Killed
        return item_losses(*its_args)

    with monkeypatch.context() as patch:
        patch.setattr(module, "item_losses", losses)
        try:
            return trained(*args, **kwargs)
        except Killed:
            return None


@pytest.mark.parametrize(
    ("strategy", "optimiser"),
    [("MS-CR@4", "adam"), ("MSS-CR", "sgd"), ("MS-SR@FC", "nadam")],
)
def test_a_killed_run_ends_with_the_same_bits(
    strategy: str, optimiser: str, store: MelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed ten times at random steps, each time a new process's objects: weights and curves are the same."""
    settings = {"epochs": 4, "optimiser": optimiser}
    undisturbed, whole = network_of(strategy), tmp_path / "whole"
    expected = trained(undisturbed, store, whole, **settings)
    assert expected.steps == 48
    for step in np.random.default_rng(STRATEGIES.index(strategy)).integers(1, 5, 10):
        each_step = settings | {"checkpoint_minutes": EACH_STEP_MINUTES}
        assert killed_at(int(step), monkeypatch, network_of(strategy), store, tmp_path, **each_step) is None
    network = network_of(strategy)
    assert trained(network, store, tmp_path, **settings).steps == expected.steps
    assert_same_bits(undisturbed, network)
    for name in ("epoch", "loss", "validation_loss", "step"):
        assert [line[name] for line in epochs_of(tmp_path)] == [line[name] for line in epochs_of(whole)]


def test_a_truncated_checkpoint_costs_a_step_and_no_bits(
    store: MelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = network_of("MS-CR@6")
    trained(undisturbed, store, tmp_path / "whole")
    each_step = {"checkpoint_minutes": EACH_STEP_MINUTES}
    assert killed_at(20, monkeypatch, network_of("MS-CR@6"), store, tmp_path, **each_step) is None
    newest = tmp_path / "checkpoints" / "step-000000000020.pt"
    newest.write_bytes(newest.read_bytes()[:-1000])
    network = network_of("MS-CR@6")
    trained(network, store, tmp_path)
    assert_same_bits(undisturbed, network)
    [resumed] = [line for line in log_of(tmp_path) if line["event"] == "resumed"]
    assert resumed["step"] == 19 and resumed["unreadable_checkpoints"] == [newest.name]


@pytest.mark.slow
def test_ten_sigkills(tmp_path: Path) -> None:
    """Real processes, really killed at random moments, the training taken up by the next: as one left alone."""
    script = Path(__file__).with_name("train_small.py")
    subprocess.run([sys.executable, "-W", "error", str(script), str(tmp_path / "killed")], check=True, timeout=120)
    train_small = runpy.run_path(str(script))["train_small"]
    assert_same_bits(train_small(tmp_path / "killed"), train_small(tmp_path / "whole"))
    assert {line["event"] for line in log_of(tmp_path / "killed")} == {"started", "resumed", "epoch"}


def test_a_checkpoint_of_another_run_is_refused(store: MelStore, tmp_path: Path) -> None:
    trained(network_of("SS-R"), store, tmp_path, epochs=1, checkpoint_minutes=EACH_STEP_MINUTES)
    with pytest.raises(RunFailed, match=f"a checkpoint of run {RUN_ID}, not {'ff' * 8}"):
        trained(network_of("SS-R"), store, tmp_path, run_id="ff" * 8)


def test_divergence_is_an_outcome_and_stops(store: MelStore, tmp_path: Path) -> None:
    result = trained(network_of("MS-SR@FC"), store, tmp_path, epochs=50, learning_rate=1e38)
    assert result.outcome == "diverged"
    assert result.steps < 50 * 12
    *_, last = log_of(tmp_path)
    assert last == {"event": "diverged", "epoch": last["epoch"], "step": result.steps}


@pytest.mark.parametrize("what", ["weights", "validation loss", "moments"])
def test_what_only_the_last_update_broke_is_divergence(what: str, store: MelStore, tmp_path: Path) -> None:
    """One step, whose loss is finite."""
    network, watched = network_of("SS-R"), np.arange(8, 11) if what == "validation loss" else np.arange(0)
    if what == "moments":  # which a training never reads
        network.shared.conv1.norm.running_var.fill_(torch.inf)
    rate = {"weights": 1e39, "validation loss": 1e37, "moments": 1e-3}[what]
    result = trained(network, store, tmp_path, epochs=1, batch_size=8, learning_rate=rate, validation_tracks=watched)
    weights = all(bool(values.isfinite().all()) for values in network.parameters())
    assert weights == (what != "weights") and (result.outcome, result.steps) == ("diverged", 1)
    _, epoch, last = log_of(tmp_path)
    assert epoch["loss"]["bpm"] > 0 and epoch["validation_loss"] == {"bpm": None}
    assert last == {"event": "diverged", "epoch": 1, "step": 1}


def test_an_epoch_is_l_m_steps_or_l(store: MelStore, tmp_path: Path) -> None:
    assert trained(network_of("MSS-CR"), store, tmp_path / "lm", epochs=2).steps == 2 * 4 * 3
    assert trained(network_of("MSS-CR"), store, tmp_path / "l", epochs=2, iterations="l").steps == 2 * 4
    [first, second] = epochs_of(tmp_path / "lm")
    assert (first["epoch"], first["step"], second["epoch"], second["step"]) == (1, 12, 2, 24)
    assert first["loss"].keys() == first["validation_loss"].keys() == ALL.keys()
    assert all(value > 0 for value in first["validation_loss"].values())


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_one_step_moves_one_source_alone(optimiser: str, store: MelStore, tmp_path: Path) -> None:
    network, before = network_of("MS-CR@6"), network_of("MS-CR@6").state_dict()
    step = {"epochs": 1, "iterations": "l", "batch_size": 8, "l2": 0.1, "checkpoint_minutes": EACH_STEP_MINUTES}
    trained(network, store, tmp_path, optimiser=optimiser, **step)
    moved = {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}
    branches = {name.split(".")[1] for name in moved if name.startswith("branches")}
    heads = {name.split(".")[1] for name in moved if name.startswith("heads")}
    assert len(branches) == 1 and branches == heads
    assert {name for name in before if name.startswith("shared")} <= moved
    state, _ = read_checkpoint(tmp_path / "checkpoints")
    assert state is not None
    moments = [list(dict(network.named_parameters()))[number] for number in state["optimiser"]["state"]]
    assert set(moments) == moved & dict(network.named_parameters()).keys()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_gradients_reach_all_of_a_source_and_nothing_of_another(strategy: str, store: MelStore) -> None:
    network, tracks = network_of(strategy), np.arange(8)
    reader = crop_reader(store, band_statistics(store, tracks), 63, CPU)
    tasks = source_tasks(network, labels(len(store)), tracks, tracks, CPU)
    for batch in validation_batches(np.random.default_rng(0), reader, tasks, 8):
        network.zero_grad()
        item_losses(
            network, reader, tasks[batch.source], batch.codes, batch.peak_db, batch.wanted, "float32"
        ).mean().backward()
        own = ("shared.", f"branches.{batch.source}.", f"heads.{batch.source}.")
        for name, parameter in network.named_parameters():
            assert (parameter.grad is not None) == name.startswith(own), name
            if name.startswith(own) and name.endswith("weight"):
                assert parameter.grad.abs().max() > 0, name


def test_validation_watches_and_does_not_choose(make_store, tmp_path: Path) -> None:
    lengths = [70, 80, 63, 90, 75, 100, 64, 88]
    with_some, without = make_store([*lengths, 70, 71, 72]), make_store(lengths)
    one, other = network_of("MS-CR@2"), network_of("MS-CR@2")
    trained(one, with_some, tmp_path / "some", labels=labels(11))
    trained(other, without, tmp_path / "none", labels={k: v[:8] for k, v in labels(11).items()})
    assert without.frames.shape[0] < with_some.frames.shape[0]
    assert epochs_of(tmp_path / "none")[0]["validation_loss"] == dict.fromkeys(ALL)
    np.testing.assert_array_equal(with_some.frames[: len(without.frames)], without.frames)
    assert_same_bits(one, other)


def test_one_validation_track_makes_no_pair(make_store, tmp_path: Path) -> None:
    trained(network_of("MS-SR@FC"), make_store([70] * 9), tmp_path, epochs=1)
    found = epochs_of(tmp_path)[0]["validation_loss"]
    assert found["self"] is None and found["tag"] > 0


def test_a_source_draws_only_tracks_with_its_labels(store: MelStore, tmp_path: Path) -> None:
    some = labels(len(store))
    some["tag"][[0, 3, 8]] = np.nan
    tasks = source_tasks(network_of("MSS-CR"), some, np.arange(8), np.arange(8, 11), CPU)
    assert [list(task.training_tracks) for task in tasks] == [list(range(8)), [1, 2, 4, 5, 6, 7], list(range(8))]
    assert list(tasks[1].validation_tracks) == [9, 10]
    assert trained(network_of("MSS-CR"), store, tmp_path, labels=some).outcome == "ok"


def test_labels_that_cannot_be_learned_from_are_refused(store: MelStore) -> None:
    tracks, none = np.arange(8), np.arange(0)
    absent = labels(11) | {"tag": np.full((11, 4), np.nan)}
    with pytest.raises(ValueError, match="no training track has labels of 'tag'"):
        source_tasks(network_of("MSS-CR"), absent, tracks, none, CPU)
    with pytest.raises(ValueError, match="labels of 'bpm': 3 factors; the network has 5"):
        source_tasks(network_of("MSS-CR", ALL | {"bpm": 5}), labels(11), tracks, none, CPU)
    with pytest.raises(ValueError, match="a network without sources has nothing to learn"):
        source_tasks(network_of("SS-R", {}), {}, tracks, none, CPU)


def test_bf16_has_the_same_gradients_but_for_rounding(make_store) -> None:
    store = make_store([63] * 16, codes=timbres(16))
    reader = crop_reader(store, band_statistics(store, range(16)), 63, CPU)
    tracks = np.arange(16)
    found = {}
    for precision in ("float32", "bf16"):
        network = build_network("SS-R", {"tag": 4}, channels=1, n_mels=32, width=0.5, seed=SEED)
        network.heads[0][0].p = 0.0
        tasks = source_tasks(network, labels(16), tracks, tracks, CPU)
        [batch] = validation_batches(np.random.default_rng(0), reader, tasks, 16)
        loss = item_losses(network, reader, tasks[0], batch.codes, batch.peak_db, batch.wanted, precision).mean()
        loss.backward()
        gradient = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
        found[precision] = float(loss.detach()), gradient
    assert found["bf16"][0] == pytest.approx(found["float32"][0], rel=0.02)
    assert found["bf16"][0] != found["float32"][0]
    assert torch.cosine_similarity(found["bf16"][1], found["float32"][1], dim=0) > 0.9


def test_checkpoints_stay_until_the_weights_are_saved(store: MelStore, tmp_path: Path) -> None:
    """A kill between the last step and the saved weights loses nothing: the last checkpoint ends the same."""
    network, again = network_of("MS-CR@6"), network_of("MS-CR@6")
    trained(network, store, tmp_path, checkpoint_minutes=EACH_STEP_MINUTES)
    state, _ = read_checkpoint(tmp_path / "checkpoints")
    assert state is not None and state["steps"] == 36
    assert trained(again, store, tmp_path).steps == 36
    assert_same_bits(network, again)
    assert os.listdir(tmp_path / "checkpoints")
