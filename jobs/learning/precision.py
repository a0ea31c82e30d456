"""The arithmetic of a training (float32 or bf16, compiled or not): what `auto` means, and how a step is compiled.

Both change the last bits, so a study decides once and keeps its choice (`jobs.learn_step`).
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from study.core.backbones import backbone_named
from study.core.backbones.layers import Lstm, Module
from study.core.errors import RunFailed
from study.core.sections import Training

COMPILED_FROM_FLOP = {"cpu": 1e14, "cuda": 6e15}
"""FLOP of a study's smallest training from which compiling pays under `compile = "auto"`.

Compiling takes a minute or two on two CPU cores and 25 s beside an H100. It saves about a third of a second per step of
the base network (42 GFLOP) there and 1.6 ms here, so at these sizes it pays for itself ten times.
"""
BF16_FROM_WIDTH = 0.5
"""On a CPU, narrower networks gain almost nothing from bf16, and their gradients lose more (benchmarks/RESULTS.md)."""

RECURRENT = "PyTorch does not compile recurrent layers"

PRECISIONS = ("float32", "bf16")


@dataclass(frozen=True)
class Arithmetic:
    """`because` is the reason why a training is not compiled."""

    precision: str = "float32"
    compiled: bool = False
    because: str = ""

    def __str__(self) -> str:
        return f"{self.precision}, " + ("compiled" if self.compiled else f"not compiled: {self.because}")

    @classmethod
    def of(cls, text: str) -> Arithmetic:
        """The arithmetic that `str` wrote, in the first line of `text`. Raises ValueError if it is none."""
        precision, _, how = text.splitlines()[0].partition(", ")
        is_compiled, because = how == "compiled", how.removeprefix("not compiled: ")
        if precision not in PRECISIONS or (because == how and how and not is_compiled):
            raise ValueError(f"not an arithmetic: {text}")
        return cls(precision, is_compiled, "" if is_compiled else because)


def resolve(settings: Training, device: str | torch.device, flop: float) -> Arithmetic:
    """The arithmetic of `settings` on this machine, for a study whose smallest training takes `flop` FLOP.

    Raises RunFailed under `compile = true` if nothing can be compiled.
    """
    kind = torch.device(device).type
    because, compiler_lacks = "", what_a_compiler_lacks()
    if settings.compile is False:
        because = "compile = false"
    elif settings.compile == "auto" and is_recurrent(settings.backbone):
        because = RECURRENT
    elif settings.compile == "auto" and flop < COMPILED_FROM_FLOP[kind]:
        because = (
            f"the smallest training has {flop:.1e} FLOP, and compiling pays from {COMPILED_FROM_FLOP[kind]:.0e} on"
        )
    elif compiler_lacks:
        because = compiler_lacks
        if settings.compile is True:
            raise RunFailed(f"[training] compile = true: {because}")
    precision = settings.precision
    if precision == "auto":
        precision = "bf16" if _bf16_pays(kind, not because, settings.width) else "float32"
    return Arithmetic(precision, not because, because)


def keep_to(kept: Arithmetic, settings: Training, device: str | torch.device) -> Arithmetic:
    """The study's `kept` arithmetic for a run with `settings`; not compiled if its network or this machine cannot."""
    precision = kept.precision if settings.precision == "auto" else settings.precision
    if settings.compile != "auto":
        return resolve(settings.model_copy(update={"precision": precision}), device, flop=0.0)
    because = kept.because
    if kept.compiled:
        because = RECURRENT if is_recurrent(settings.backbone) else what_a_compiler_lacks()
    return Arithmetic(precision, kept.compiled and not because, because)


def is_recurrent(backbone: str) -> bool:
    """Whether the backbone has a layer that PyTorch does not compile."""
    return any(isinstance(layer, Lstm | Module) for layer in backbone_named(backbone).layers)


def what_a_compiler_lacks() -> str:
    """What torch.compile needs and this machine lacks, or ""."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        return f"there is no C++ compiler {compiler}; the variable CXX names another"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return f"there is no Python.h in {sysconfig.get_path('include')}: the headers of this Python are not installed"
    return ""


@contextmanager
def use_float32(precision: str) -> Iterator[None]:
    """Within it, a GPU's convolutions and products in float32 keep all 24 bits, where `precision` is float32.

    PyTorch lets convolutions round their inputs to TF32 (11 bits), which is not what float32 promises.
    """
    if precision != "float32":
        yield
        return
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def compiled(function: Callable[..., Any], variants: int) -> Callable[..., Any]:
    """`function` compiled for each of at most `variants` combinations of shapes and modes.

    Branches of equal shape share one.
    """
    torch.compiler.reset()  # forget an earlier training in this process
    torch._dynamo.config.recompile_limit = variants  # beyond this limit, calls are silently not compiled
    torch._inductor.config.cpp.threads = torch.get_num_threads()  # or cached code for another number would be used
    return torch.compile(function, dynamic=False)


def _bf16_pays(kind: str, is_compiled: bool, width: float) -> bool:
    """True on a GPU with bf16 in hardware, or compiled on a CPU with bf16 instructions; else it is much slower."""
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = torch.cpu.get_capabilities()
    return is_compiled and width >= BF16_FROM_WIDTH and bool(has.get("avx512_bf16") or has.get("amx_bf16"))
