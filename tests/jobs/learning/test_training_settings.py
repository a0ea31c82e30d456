"""Settings of a training off their defaults: schedule, weights, selection, rates, clipping, decay, dropout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from jobs.learn_step import learn
from jobs.learning import updates
from jobs.learning.batches import crop_reader
from jobs.learning.learning_rates import can_be_recorded, rate_at, set_rate
from jobs.learning.optimisers import OPTIMISERS
from jobs.learning.precision import Arithmetic
from jobs.learning.selection import Best, overall
from jobs.learning.tasks import source_tasks, step_batches
from jobs.learning.train import Trained
from jobs.preparation import prepare
from jobs.sound.mel_store import MelStore
from study.core.errors import RunFailed
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.run import make_run
from study.core.sections import Training
from tests.jobs.learning.test_train import (
    CPU,
    EACH_STEP_MINUTES,
    assert_same_bits,
    epochs_of,
    killed_at,
    labels,
    log_of,
    network_of,
    trained,
)
from tests.small_study import STUDY

EVERYTHING: dict[str, Any] = {
    "schedule": "sum", "weights": {"self": 0.5, "tag": 2.0}, "select": "best", "patience": 3, "clip_norm": 1.0,
    "learning_rate_schedule": "cosine", "weight_decay": "decoupled", "l2": 0.01,
}  # fmt: skip


@pytest.fixture
def store(make_store) -> MelStore:
    return make_store([70, 80, 63, 90, 75, 100, 64, 88, 70, 71, 72])


@pytest.mark.parametrize("optimiser", ["adam", "nadam"])
def test_a_killed_run_ends_with_the_same_bits(
    optimiser: str, store: MelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = EVERYTHING | {"epochs": 4, "optimiser": optimiser}
    undisturbed, whole = network_of("MS-CR@4"), tmp_path / "whole"
    expected = trained(undisturbed, store, whole, **settings)
    for step in (7, 20, 16):  # batches, three a step
        each_step = settings | {"checkpoint_minutes": EACH_STEP_MINUTES}
        assert killed_at(step, monkeypatch, network_of("MS-CR@4"), store, tmp_path, **each_step) is None
    network = network_of("MS-CR@4")
    assert trained(network, store, tmp_path, **settings).steps == expected.steps
    assert_same_bits(undisturbed, network)
    assert log_of(tmp_path)[-1] == log_of(whole)[-1] and log_of(whole)[-1]["event"] == "selected"


def test_a_step_of_the_sum_has_the_weighted_gradients_of_all_sources(store: MelStore) -> None:
    settings = Training(schedule="sum", weights={"self": 0.5, "tag": 2.0})
    network = network_of("MS-CR@4")
    for layer in (part for part in network.modules() if isinstance(part, nn.Dropout)):
        layer.p = 0.0
    tracks = np.arange(8)
    reader = crop_reader(store, (np.full(32, -40.0), np.full(32, 20.0)), 63, CPU)
    tasks = source_tasks(network, labels(len(store)), tracks, tracks, CPU, settings=settings)
    batches = next(step_batches(np.random.default_rng(0), reader, tasks, 4, "sum"))
    assert [batch.source for batch in batches] == [0, 1, 2]
    losses = updates.batch_losses(network, tasks, reader, Arithmetic())
    wanted = torch.zeros(sum(weight.numel() for weight in network.parameters()))
    for batch, weight in zip(batches, [{"self": 0.5, "tag": 2.0}.get(task.name, 1.0) for task in tasks], strict=True):
        network.zero_grad()
        losses(batch).mean().backward()
        wanted += weight * torch.cat([
            torch.zeros_like(one).flatten() if one.grad is None else one.grad.flatten()
            for one in network.parameters()
        ])  # fmt: skip
    network.zero_grad()
    found = []
    plain = torch.optim.SGD(network.parameters(), lr=0.0)
    plain.register_step_pre_hook(
        lambda *_: found.append(torch.cat([one.grad.flatten() for one in network.parameters()]).clone())
    )
    means = updates.training_step(network, tasks, losses, plain, settings, CPU)(batches)
    torch.testing.assert_close(found[0], wanted)
    assert len(means) == 3 and all(mean.ndim == 0 for mean in means)


def test_an_epoch_of_the_sum_has_every_source_at_every_step(store: MelStore, tmp_path: Path) -> None:
    ended = trained(network_of("MS-CR@4"), store, tmp_path, schedule="sum")
    assert ended.steps == 3 * 4
    assert all(None not in line["loss"].values() for line in epochs_of(tmp_path))


def test_rates_fall_to_nothing() -> None:
    linear, cosine = (Training(learning_rate=0.2, learning_rate_schedule=name) for name in ("linear", "cosine"))
    assert [rate_at(linear, step, 4) for step in range(4)] == pytest.approx([0.2, 0.15, 0.1, 0.05])
    assert [rate_at(cosine, step, 4) for step in (0, 2)] == pytest.approx([0.2, 0.1])
    assert rate_at(cosine, 999, 1000) < 1e-5
    assert rate_at(Training(), 7, 10) == Training().learning_rate


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_step_takes_the_rate_of_its_place(name: str, store: MelStore, tmp_path: Path) -> None:
    """The weights after one step at half the rate are half as far, as the first step of each optimiser is linear in
    it."""
    ends = {}
    for rate in (0.01, 0.02):
        network = nn.Linear(3, 1)
        nn.init.constant_(network.weight, 0.5)
        optimiser = OPTIMISERS[name](list(network.parameters()), 1.0, 0.0)
        set_rate(optimiser, rate)
        network(torch.ones(2, 3)).sum().backward()
        optimiser.step()
        ends[rate] = 0.5 - network.weight.detach()
    torch.testing.assert_close(ends[0.02], 2 * ends[0.01])


def test_the_rate_follows_the_steps(store: MelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    original = updates.training_step

    def watched(network, tasks, losses, optimiser, settings, device):
        step = original(network, tasks, losses, optimiser, settings, device)
        return lambda batches: (rates.append(optimiser.param_groups[0]["lr"]), step(batches))[1]

    monkeypatch.setattr("jobs.learning.train.training_step", watched)
    trained(network_of("SS-R"), store, tmp_path, learning_rate_schedule="linear")
    assert rates == pytest.approx([0.01 * (1 - step / 12) for step in range(12)])


def test_recorded_steps_need_a_rate_that_they_can_read() -> None:
    assert can_be_recorded(Training(optimiser="sgd"))
    assert can_be_recorded(Training(optimiser="adam", learning_rate_schedule="cosine"))
    assert not can_be_recorded(Training(optimiser="sgd", learning_rate_schedule="cosine"))


@pytest.mark.parametrize("name", ["adam", "nadam"])
def test_decoupled_decay_is_a_part_of_the_weight(name: str) -> None:
    """Without a gradient's direction to follow, a weight loses rate times l2 of itself; Adam alone would scale it."""
    weights = {}
    for decoupled in (True, False):
        weight = nn.Parameter(torch.tensor([2.0, -4.0]))
        optimiser = OPTIMISERS[name]([weight], 0.1, 0.5, decoupled)
        weight.grad = torch.zeros(2)
        optimiser.step()
        weights[decoupled] = weight.detach()
    torch.testing.assert_close(weights[True], torch.tensor([2.0, -4.0]) * (1 - 0.1 * 0.5))
    assert not torch.allclose(weights[True], weights[False])
    with pytest.raises(ValueError, match="SGD has no decoupled"):
        OPTIMISERS["sgd"]([weight], 0.1, 0.5, True)


def test_clipping_bounds_the_length_of_a_step(store: MelStore, tmp_path: Path) -> None:
    lengths = {}
    for clip_norm in (None, 1e-3):
        network, start = network_of("SS-R"), network_of("SS-R")
        settings = {"epochs": 1, "batch_size": 8, "optimiser": "sgd", "l2": 0.0, "learning_rate": 1.0}
        assert trained(network, store, tmp_path / str(clip_norm), clip_norm=clip_norm, **settings).steps == 1
        moved = [one - other for one, other in zip(network.parameters(), start.parameters(), strict=True)]
        lengths[clip_norm] = float(torch.cat([change.flatten() for change in moved]).detach().norm())
    assert lengths[None] > 0.01
    assert lengths[1e-3] == pytest.approx(1e-3, rel=1e-3)


def test_dropout_is_that_of_the_settings(small_study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = STUDY.replace("[training]", "[training]\ndropout = 0.2")
    (small_study / "study.toml").write_text(text, encoding="utf-8")
    study = read_study(small_study)
    prepare(study, workers=1)
    run = make_run(study, "", 0, "SS-R", ("self",))
    networks = []
    monkeypatch.setattr(
        "jobs.learning.learners.multi_source.train",
        lambda network, **_: networks.append(network) or Trained("ok", 0, 0.0),
    )
    learn(study, run, (), "only")
    rates = [layer.p for layer in networks[0].modules() if isinstance(layer, nn.Dropout)]
    assert rates == [0.2, 0.2], "of fc-feature and of the pair head"


def test_the_best_epoch_is_kept(store: MelStore, tmp_path: Path) -> None:
    """As if the training had ended there; its loss is the smallest weighted mean of the sources' validation losses."""
    network = network_of("MS-CR@4")
    settings = {
        "learning_rate": 0.02,
        "weights": {"tag": 3.0},
        "schedule": "sum",
        "validation_tracks": np.arange(4),
    }
    trained(network, store, tmp_path / "best", epochs=8, select="best", **settings)
    curve = [
        (line["validation_loss"]["self"] + 3 * line["validation_loss"]["tag"] + line["validation_loss"]["bpm"]) / 5
        for line in epochs_of(tmp_path / "best")
    ]
    best = int(np.argmin(curve)) + 1
    assert 1 < best < 8, "else nothing is tested"
    assert log_of(tmp_path / "best")[-1] == {
        "event": "selected", "of_epoch": best, "validation_loss": pytest.approx(curve[best - 1]),
    }  # fmt: skip
    stopped = network_of("MS-CR@4")
    trained(stopped, store, tmp_path / "stopped", epochs=best, **settings)
    assert_same_bits(network, stopped)


def test_patience_ends_a_training(store: MelStore, tmp_path: Path) -> None:
    trained(network_of("MS-CR@4"), store, tmp_path / "whole", epochs=12, learning_rate=0.03, select="best")
    curve = [np.mean(list(line["validation_loss"].values())) for line in epochs_of(tmp_path / "whole")]
    waits = [epoch - int(np.argmin(curve[: epoch + 1])) for epoch in range(12)]
    assert 2 in waits, "else nothing is tested"
    end = waits.index(2) + 1
    trained(network_of("MS-CR@4"), store, tmp_path / "ended", epochs=12, learning_rate=0.03, patience=2)
    assert [line["epoch"] for line in epochs_of(tmp_path / "ended")] == list(range(1, end + 1))
    assert log_of(tmp_path / "ended")[-1]["event"] == "epoch", "the last weights are kept"


def test_nothing_to_select_by(store: MelStore, tmp_path: Path) -> None:
    none = {"validation_tracks": np.arange(0)}
    with pytest.raises(RunFailed, match=r"\[training\] select, patience: no source of the run has validation tracks"):
        trained(network_of("SS-R"), store, tmp_path, select="best", **none)


def test_an_epoch_without_a_finite_loss_is_never_the_best() -> None:
    best = Best()
    for epoch, loss in enumerate((float("nan"), 2.0, float("nan"), 1.0), 1):
        best.note(epoch, loss, nn.Linear(1, 1), keep_weights=False)
    assert (best.epoch, best.loss, best.weights) == (4, 1.0, None)
    assert best.is_stale(6, 2) and not best.is_stale(5, 2) and not best.is_stale(99, None)


def test_sources_without_validation_tracks_do_not_count() -> None:
    tasks = source_tasks(
        network_of("MS-CR@4"), labels(4), np.arange(4), np.arange(4), CPU, settings=Training(weights={"bpm": 4.0})
    )
    assert overall({"self": 1.0, "tag": None, "bpm": 2.0}, tasks) == pytest.approx((1 + 8) / 5)


def test_the_best_epoch_is_chosen_without_a_target(small_study: Path) -> None:
    """Selection gives the same weights where every file of every target is gone, and where targets are others."""
    text = STUDY.replace("[training]", '[training]\nselect = "best"\npatience = 2').replace("epochs = 1", "epochs = 5")
    (small_study / "study.toml").write_text(text, encoding="utf-8")
    study = read_study(small_study)
    prepared = prepare(study, workers=1)
    run, paths = make_run(study, "", 0, "MS-CR@4", ("self", "pitch")), Paths(study.store)
    learn(study, run, (), "only")
    weights = paths.weights(run.run_id).read_bytes()
    events = [line["event"] for line in map(json.loads, paths.log(run.run_id).read_text().splitlines())]
    assert events[-1] == "selected"

    shutil.rmtree(paths.run(run.run_id))
    for name in ("timbre.csv", "height.csv", "heard.csv", "plays.csv"):
        (small_study / name).unlink()
    for path in (small_study / "sound").glob("t*.wav"):
        path.unlink()
    for target in prepared.targets.values():
        shutil.rmtree(small_study / "prepared" / "sound" / target.sound, ignore_errors=True)
    learn(study, run, (), "again")
    assert paths.weights(run.run_id).read_bytes() == weights
