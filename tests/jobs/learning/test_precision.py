from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from jobs.learning.precision import (
    COMPILED_FROM_FLOP,
    RECURRENT,
    Arithmetic,
    is_recurrent,
    keep_to,
    resolve,
    what_a_compiler_lacks,
)
from jobs.learning.train import train
from study.core.backbones import BACKBONES
from study.core.errors import RunFailed
from study.core.sections import Training

ENOUGH = COMPILED_FROM_FLOP["cpu"]


@pytest.fixture
def capable(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A CPU with instructions for bf16 and a compiler."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr("jobs.learning.precision.what_a_compiler_lacks", lambda: "")
    return monkeypatch


def test_auto_compiles_where_there_is_enough_to_do(capable) -> None:
    assert resolve(Training(), "cpu", ENOUGH) == Arithmetic("bf16", True)
    small = resolve(Training(), "cpu", ENOUGH / 2)
    assert (small.precision, small.compiled) == ("float32", False) and "5.0e+13 FLOP" in small.because
    assert resolve(Training(compile=False), "cpu", ENOUGH) == Arithmetic("float32", False, "compile = false")
    assert resolve(Training(compile=True, precision="float32"), "cpu", 0) == Arithmetic("float32", True)
    assert resolve(Training(width=0.25), "cpu", ENOUGH) == Arithmetic("float32", True)
    capable.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert resolve(Training(), "cpu", ENOUGH) == Arithmetic("float32", True)


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert what_a_compiler_lacks() == "there is no C++ compiler no-such-compiler; the variable CXX names another"
    eager = resolve(Training(), "cpu", ENOUGH)
    assert eager == Arithmetic("float32", False, what_a_compiler_lacks())
    with pytest.raises(RunFailed, match=r"\[training\] compile = true: there is no C\+\+ compiler no-such-compiler"):
        resolve(Training(compile=True), "cpu", 0)
    elsewhere = keep_to(Arithmetic("bf16", True), Training(), "cpu")
    assert elsewhere == Arithmetic("bf16", False, what_a_compiler_lacks())


def test_what_is_kept_holds_for_auto_alone(capable) -> None:
    for kept in (Arithmetic("bf16", True), Arithmetic("float32", False, "so small, and one of few")):
        assert Arithmetic.of(str(kept)) == kept
        assert keep_to(kept, Training(), "cpu") == kept
        assert keep_to(kept, Training(precision="float32"), "cpu").precision == "float32"
        assert keep_to(kept, Training(compile=True), "cpu") == Arithmetic(kept.precision, True)
    assert Arithmetic.of("float32") == Arithmetic()


def test_auto_leaves_recurrent_networks_uncompiled(capable) -> None:
    for settings in (Training(backbone="lstm"), Training(backbone="lstm", precision="float32")):
        assert resolve(settings, "cpu", ENOUGH) == Arithmetic("float32", False, RECURRENT)
    assert resolve(Training(backbone="lstm", compile=True), "cpu", 0).compiled
    assert keep_to(Arithmetic("bf16", True), Training(backbone="lstm"), "cpu") == Arithmetic("bf16", False, RECURRENT)
    assert [name for name in BACKBONES if is_recurrent(name)] == ["lstm"]


class Killed(BaseException):
    pass


class Small(nn.Module):
    """A network of a few kernels, for what is compiled takes a compiler seconds each."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.source_factors = {"one": 3, "two": 3}
        self.objectives = {"one": "kl", "two": "kl"}
        self.shared = nn.Linear(32, 8)
        self.branches = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))
        self.heads = nn.ModuleList(nn.Sequential(nn.Dropout(), nn.Linear(8, 3)) for _ in range(2))

    def trunk(self, crops: Tensor) -> Tensor:
        return self.shared(crops.mean(dim=(1, 2))).relu()


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")  # of torch itself
@pytest.mark.skipif(bool(what_a_compiler_lacks()), reason=what_a_compiler_lacks())
@pytest.mark.slow
def test_a_compiled_training_resumes_to_the_same_bits(make_store, tmp_path: Path, monkeypatch) -> None:
    """Two branches of equal shape share what is compiled; dropout comes back with the random state."""
    store = make_store([63] * 8)
    labels = {name: np.random.default_rng(2).dirichlet(np.ones(3), 8) for name in ("one", "two")}

    def trained(folder: str, compiled: bool = True) -> Small:
        network = Small()
        train(
            network, store=store, statistics=(np.full(32, -40.0), np.full(32, 20.0)), crop_frames=63, labels=labels,
            training_tracks=np.arange(8), validation_tracks=np.arange(0), run_id="ab" * 8, device="cpu", threads=1,
            settings=Training(epochs=3, batch_size=8, checkpoint_minutes=1e-9, learning_rate=0.01),
            arithmetic=Arithmetic("float32", compiled), checkpoint_folder=tmp_path / folder,
            log_path=tmp_path / f"{folder}.jsonl",
        )  # fmt: skip
        return network

    whole = trained("whole").state_dict()
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    backward, steps = torch.Tensor.backward, iter(range(6))

    def killing(loss: torch.Tensor) -> None:
        if next(steps) == 3:
            raise Killed
        backward(loss)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(torch.Tensor, "backward", killing)
        trained("killed")
    resumed, eager = trained("killed").state_dict(), trained("eager", compiled=False).state_dict()
    assert all(torch.equal(resumed[name], tensor) for name, tensor in whole.items())
    started = json.loads((tmp_path / "killed.jsonl").read_text().splitlines()[0])
    assert started == {
        "event": "started", "precision": "float32", "compiled": True, "because": "", "device": "cpu", "resident": False
    }  # fmt: skip
    assert not torch.equal(eager["shared.weight"], whole["shared.weight"])  # another dropout: it was compiled
