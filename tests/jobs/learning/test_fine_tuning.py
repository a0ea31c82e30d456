from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jobs.learning import fine_tuning
from jobs.learning.batches import crop_reader
from jobs.learning.fine_tuning import WAYS, FineTuned, Way, fine_tune
from jobs.learning.representation import load_network, save_weights
from jobs.networks.branching import build_network
from jobs.targets.splits import Split
from jobs.targets.track_labels import TargetData
from study.core.errors import Damaged
from study.core.sections import FineTuning
from study.testing.target import sound_of

SEED = np.random.SeedSequence(4)
N_TRACKS = 60
SPLIT = Split(0, 0, np.arange(40), np.arange(40, N_TRACKS))
SETTINGS = FineTuning(epochs=20, batch_size=8, learning_rate=0.01)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(N_TRACKS, 4))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    network = build_network("MS-CR@2", {"tag": 4, "self": None}, 1, 32, 0.2, seed=SEED)
    save_weights(tmp_path / "weights.safetensors", network, (np.full(32, -40.0), np.full(32, 12.0)), {})
    return tmp_path / "weights.safetensors"


def data_of(labels: np.ndarray, task: str) -> TargetData:
    tracks = tuple(f"t{row:02d}" for row in range(N_TRACKS))
    return TargetData("t.csv", task, tracks, tuple(map(Path, tracks)), labels)


def predicted(weights: Path, features: np.ndarray, data: TargetData, settings=SETTINGS, split=SPLIT) -> np.ndarray:
    found = fine_tune(weights, sound_of(data.track_ids, features), 63, data, [split], settings, 1e-6, SEED)
    return found["prediction"].to_numpy()


def test_classes_that_can_be_heard_are_learned(weights: Path, features: np.ndarray) -> None:
    labels = np.where(features[:, 0] > 0, "high", "low")
    accuracy = (predicted(weights, features, data_of(labels, "classification")) == labels[SPLIT.test]).mean()
    assert accuracy >= 0.9


def test_numbers_are_learned_in_any_unit(weights: Path, features: np.ndarray) -> None:
    found = predicted(weights, features, data_of(features[:, 1], "regression"))
    assert np.corrcoef(found, features[SPLIT.test, 1])[0, 1] > 0.8
    scaled = predicted(weights, features, data_of(1000 * features[:, 1] + 5e4, "regression"))
    np.testing.assert_allclose(scaled, 1000 * found + 5e4, rtol=1e-2)


def test_a_prediction_does_not_hang_on_what_else_is_tested(weights: Path, features: np.ndarray) -> None:
    data, settings = data_of(features[:, 1], "regression"), SETTINGS.model_copy(update={"epochs": 1})
    fewer = Split(0, 0, SPLIT.train, SPLIT.test[::3])
    alone = predicted(weights, features, data, settings, fewer)
    np.testing.assert_array_equal(alone, predicted(weights, features, data, settings)[::3])


def test_every_layer_is_trained_and_the_kept_weights_stay(weights: Path, features: np.ndarray) -> None:
    before = weights.read_bytes()
    predicted(weights, features, data_of(features[:, 1], "regression"), SETTINGS.model_copy(update={"epochs": 1}))
    assert weights.read_bytes() == before
    model = FineTuned(load_network(weights)[0], 3).train()
    model(torch.randn(4, 1, 63, 32)).square().sum().backward()
    trained = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    outputs_of_sources = {name for name, _ in model.named_parameters() if name.startswith("network.heads.")}
    assert trained == {name for name, _ in model.named_parameters()} - outputs_of_sources


@given(st.integers(2, 300), st.integers(2, 64))
def test_an_epoch_sees_each_track_once_and_no_batch_has_one_alone(n: int, batch_size: int) -> None:
    batches = list(fine_tuning._batches(np.random.default_rng(1), n, batch_size))
    assert sorted(np.concatenate(batches)) == list(range(n))
    sizes = [len(batch) for batch in batches]
    assert min(sizes) >= min(n, batch_size) and max(sizes) < 2 * max(batch_size, n / len(batches))


def test_what_are_no_weights_is_told(tmp_path: Path, features: np.ndarray) -> None:
    with pytest.raises(Damaged, match=r"none.safetensors: damaged, missing"):
        predicted(tmp_path / "none.safetensors", features, data_of(features[:, 1], "regression"))


def with_way(weights: Path, features: np.ndarray, way: Way, settings: FineTuning = SETTINGS) -> np.ndarray:
    data = data_of(np.where(features[:, 0] > 0, "high", "low"), "classification")
    sound = sound_of(data.track_ids, features)
    found = fine_tune(weights, sound, 63, data, [SPLIT], settings, 1e-6, SEED, way=way)
    return (found["prediction"] == found["label"]).to_numpy()


def test_a_new_output_layer_leaves_the_network_alone(weights: Path, features: np.ndarray) -> None:
    """Neither its weights nor the moments of its normalisations move, and it draws no dropout."""
    network, _, _ = load_network(weights)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    model = FineTuned(network, 2, whole_network=False).train()
    crops = torch.randn(4, 1, 63, 32)
    model(crops).square().sum().backward()
    assert {name for name, own in model.named_parameters() if own.grad is not None} == {"head.1.weight", "head.1.bias"}
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert model.head.training and not model.network.training


def test_a_new_output_layer_reads_what_the_network_has_learned(weights: Path, features: np.ndarray) -> None:
    """A network that was trained on the sign of a number predicts it with a new output layer, too."""
    network, statistics, _ = load_network(weights)
    data = data_of(features[:, 0], "regression")
    reader = crop_reader(sound_of(data.track_ids, features), statistics, 63, torch.device("cpu"))
    numbers, generator = features[:, :1].astype(np.float32), np.random.default_rng(1)
    loss_of = fine_tuning.LOSSES["regression"]
    longer = SETTINGS.model_copy(update={"epochs": 60})
    with torch.random.fork_rng():
        torch.manual_seed(1)
        fine_tuning._train(FineTuned(network, 1), reader, np.arange(40), numbers[:40], loss_of, longer, 1e-6, generator)
    save_weights(weights, network, statistics, {})
    assert with_way(weights, features, Way(whole_network=False), longer).mean() >= 0.9


def test_from_scratch_the_weights_of_the_run_do_not_matter(weights: Path, features: np.ndarray, tmp_path: Path) -> None:
    other = build_network("MS-CR@2", {"tag": 4, "self": None}, 1, 32, 0.2, seed=np.random.SeedSequence(99))
    save_weights(tmp_path / "other", other, (np.full(32, -40.0), np.full(32, 12.0)), {})
    short, scratch = SETTINGS.model_copy(update={"epochs": 2}), WAYS["scratch"]("pytorch")
    np.testing.assert_array_equal(
        with_way(weights, features, scratch, short), with_way(tmp_path / "other", features, scratch, short)
    )
    assert with_way(weights, features, scratch).mean() >= 0.9
