from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from jobs.learning.checkpoint import OF_THE_DEVICE, capture, read_checkpoint, restore, write_checkpoint
from jobs.learning.optimisers import OPTIMISERS

CPU = torch.device("cpu")


def test_the_last_two_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path) == (None, [])
    for step in (9, 10, 200, 1000):
        write_checkpoint(tmp_path, step, {"step": step})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000000200.pt", "step-000000001000.pt"]
    assert read_checkpoint(tmp_path) == ({"step": 1000}, [])


def test_another_launch_deletes_what_this_one_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two trainings of a run: the other is first to drop an old checkpoint, and first to be through with the folder."""
    unlink, read = Path.unlink, Path.read_bytes

    def second(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".pt":
            os.unlink(path)
        unlink(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", second)
        for step in (1, 2, 3):
            write_checkpoint(tmp_path, step, {"step": step})

    def deleted(path: Path) -> bytes:
        if path.name == "step-000000000003.pt":
            os.unlink(path)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", deleted)
    assert read_checkpoint(tmp_path) == ({"step": 2}, []), "what is gone is not damaged"


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.99])
def test_a_truncated_one_falls_back_to_the_one_before(tmp_path: Path, kept: float) -> None:
    for step in (1, 2):
        write_checkpoint(tmp_path, step, {"step": step, "weights": torch.arange(1000)})
    newest = tmp_path / "step-000000000002.pt"
    whole = newest.read_bytes()
    newest.write_bytes(whole[: int(kept * len(whole))])
    state, unreadable = read_checkpoint(tmp_path)
    assert state is not None and state["step"] == 1
    assert unreadable == [newest.name]
    (tmp_path / "step-000000000001.pt").write_bytes(b"")
    assert read_checkpoint(tmp_path)[0] is None


def test_one_bit_that_changed_falls_back_to_the_one_before(tmp_path: Path) -> None:
    """Of the numbers, of what says where they lie, and of the digest."""
    for step in (1, 2):
        write_checkpoint(tmp_path, step, {"step": step, "weights": torch.ones(1000)})
    newest = tmp_path / "step-000000000002.pt"
    whole = newest.read_bytes()
    for place in (whole.index(np.ones(1000, np.float32).tobytes()) + 2001, whole.rindex(b"PK\x01\x02") + 9, -1):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        newest.write_bytes(damaged)
        state, unreadable = read_checkpoint(tmp_path)
        assert state is not None and state["step"] == 1 and unreadable == [newest.name]


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "attacked",)

    write_checkpoint(tmp_path, 2, {"step": Attack()})
    pickled = pickle.dumps(Attack(), protocol=2)
    (tmp_path / "step-000000000003.pt").write_bytes(pickled + hashlib.sha256(pickled).digest())
    state, unreadable = read_checkpoint(tmp_path)
    assert state is None and len(unreadable) == 2
    assert not (tmp_path / "attacked").exists()


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_checkpoint_of_a_gpu_goes_on_on_a_cpu(name: str, tmp_path: Path) -> None:
    """Flags as a GPU's optimiser has them do not come back; momenta and the rate do."""

    def make(rate: float) -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        network = nn.Linear(3, 1)
        return network, OPTIMISERS[name](list(network.parameters()), rate, 0.0)

    def step(network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        optimiser.zero_grad()
        network(torch.ones(2, 3)).sum().backward()
        optimiser.step()

    with torch.random.fork_rng(devices=[]):
        network, optimiser = make(0.1)
        step(network, optimiser)
        captured = capture(network, optimiser, np.random.default_rng(0).bit_generator.state, CPU)
        here = [dict(group) for group in captured["optimiser"]["param_groups"]]
        there = [group | {flag: True for flag in OF_THE_DEVICE if flag in group} for group in here]
        write_checkpoint(tmp_path, 1, captured | {"optimiser": captured["optimiser"] | {"param_groups": there}})
        again, its_optimiser = make(0.7)
        state, _ = read_checkpoint(tmp_path)
        assert state is not None
        restore(state, again, its_optimiser, np.random.default_rng(0), CPU)
        assert its_optimiser.state_dict()["param_groups"] == here
        step(network, optimiser)
        step(again, its_optimiser)
    assert torch.equal(network.weight, again.weight)


def test_what_is_captured_is_put_back(tmp_path: Path) -> None:
    def make() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 1))
        return network, torch.optim.Adam(network.parameters(), lr=0.1, fused=True)

    def step(network: nn.Module, optimiser: torch.optim.Optimizer, generator: np.random.Generator) -> None:
        optimiser.zero_grad()
        network(torch.from_numpy(generator.standard_normal((5, 3))).float()).sum().backward()
        optimiser.step()

    network, optimiser = make()
    generator = np.random.default_rng(0)
    with torch.random.fork_rng(devices=[]):
        step(network, optimiser, generator)
        write_checkpoint(tmp_path, 1, capture(network, optimiser, generator.bit_generator.state, CPU))
        step(network, optimiser, generator)
        expected = {name: tensor.clone() for name, tensor in network.state_dict().items()}

        again, its_optimiser = make()
        other_generator = np.random.default_rng(99)
        state, _ = read_checkpoint(tmp_path)
        assert state is not None
        restore(state, again, its_optimiser, other_generator, CPU)
        step(again, its_optimiser, other_generator)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in again.state_dict().items())
