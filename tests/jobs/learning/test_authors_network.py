"""`protocol = "authors"`: loss and gradients are those of the released network at equal weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from jobs.learning.batches import crop_reader
from jobs.learning.tasks import item_losses, source_tasks, training_batches
from jobs.networks.branching import build_network
from study.core.sections import Training
from tests.reference import authors_network

SOURCES = {"self": None, "tag": 7}


@pytest.mark.parametrize("strategy", ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"])
@pytest.mark.parametrize("source", SOURCES)
def test_loss_and_gradients_are_those_of_the_released_network(make_store, strategy: str, source: str) -> None:
    """For `self`, with stored moments: the released code normalises each side of the pairs apart."""
    store = make_store([70] * 12)
    statistics = np.full(32, -40.0), np.full(32, 20.0)
    reader = crop_reader(store, statistics, 63, torch.device("cpu"))
    network = build_network(strategy, SOURCES, 1, 32, 0.25, seed=np.random.SeedSequence(4))
    generator = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2, generator=generator)
            layer.running_var.uniform_(0.1, 1, generator=generator)
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    network.train(source != "self")
    rng = np.random.default_rng(3)
    labels = {"tag": rng.dirichlet(np.ones(7), 12)}
    tasks = source_tasks(
        network, labels, np.arange(12), np.arange(0), reader.device, settings=Training(reduction="mean")
    )
    branch = list(SOURCES).index(source)
    batch = next(batch for batch in training_batches(rng, reader, tasks, 6) if batch.source == branch)

    weights = {name: value.detach().clone().requires_grad_(value.is_floating_point())
               for name, value in network.state_dict().items()}  # fmt: skip
    ours = item_losses(network, reader, tasks[branch], batch.codes, batch.peak_db, batch.wanted, "float32").mean()
    ours.backward()
    wanted = batch.wanted if source != "self" else nn.functional.one_hot(batch.wanted, 2).float()
    crops = reader.standardised(batch.codes, batch.peak_db)
    theirs = authors_network.loss(crops, wanted, weights, branch, source == "self", source != "self")
    theirs.backward()

    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)
    # a bias before a normalisation by the batch has gradient 0 except for rounding, hence the second tolerance
    rounding = 1e-6 * max(float(weight.grad.abs().max()) for weight in weights.values() if weight.grad is not None)
    for name, parameter in network.named_parameters():
        if parameter.grad is None:
            assert weights[name].grad is None, name
            continue
        tolerance = 2e-4 * float(weights[name].grad.abs().max()) + rounding
        torch.testing.assert_close(parameter.grad, weights[name].grad, rtol=2e-3, atol=tolerance)


def test_reduction_divides_a_source_by_its_outputs(make_store) -> None:
    """So `self` weighs 25 times more in shared layers than a source of 50 factors."""
    network = build_network("MS-SR@FC", {"self": None, "tag": 50}, 1, 32, 0.1, seed=np.random.SeedSequence(1))
    labels = {"tag": np.full((4, 50), 0.02)}
    tracks = np.arange(4)
    for reduction, divisors in (("batchmean", [1, 1]), ("mean", [2, 50])):
        tasks = source_tasks(
            network, labels, tracks, tracks, torch.device("cpu"), settings=Training(reduction=reduction)
        )
        assert [task.divisor for task in tasks] == divisors


def test_glorot_is_uniform_within_its_bound_and_spares_output_layers() -> None:
    """Glorot and Bengio 2010, Eq. 16: the bound is sqrt(6 / (inputs + outputs)), a kernel's size multiplying both."""
    seed = np.random.SeedSequence(9)
    ours, theirs = (build_network("MS-CR@4", SOURCES, initialisation=how, seed=seed) for how in ("pytorch", "glorot"))
    checked = set()
    for (name, weight), (_, default) in zip(theirs.named_parameters(), ours.named_parameters(), strict=True):
        if name.endswith(("conv.weight", "fc.weight")):
            outputs, inputs, *kernel = weight.shape
            bound = (6 / ((inputs + outputs) * int(np.prod(kernel)))) ** 0.5
            assert 0.95 * bound < float(weight.detach().abs().max()) <= bound, name
            assert float(weight.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.1), name
            checked.add(name.split(".")[-3])
        elif name in ("heads.0.layers.output.weight", "heads.1.1.weight"):
            assert float(weight.detach().abs().max()) <= default.shape[1] ** -0.5, "PyTorch's own bound"
    assert {"conv1", "conv62", "fc_feature", "layers"} <= checked
