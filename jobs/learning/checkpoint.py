"""Checkpoints: all that a training needs to resume as if it had never stopped.

A folder of `step-<number>.pt`, each written whole or not at all. Two are kept, in case the newest is lost or damaged.
Each is the output of `torch.save` followed by its SHA-256, since PyTorch itself does not detect changed numbers.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from study.core.writing import remove, write_beside_another_launch

KEPT = 2
DIGEST_BYTES = 32
OF_THE_DEVICE = ("capturable", "foreach", "fused")
"""Keys of an optimiser's groups that describe its device, not the training."""


def write_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, text, lists and dicts of them), and delete all but the last two."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    saved = buffer.getvalue()
    whole = saved + hashlib.sha256(saved).digest()
    write_beside_another_launch(folder / f"step-{step:012d}.pt", whole)
    for old in _checkpoints(folder)[:-KEPT]:
        remove(old)  # another launch may be training the same run and deleting the same files


def read_checkpoint(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest checkpoint that can be read, or None, and the names of newer ones that cannot."""
    unreadable: list[str] = []
    for path in reversed(_checkpoints(folder)):
        try:
            return _read(path), unreadable
        except FileNotFoundError:  # another launch has deleted it
            continue
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
            unreadable.append(path.name)
    return None, unreadable


def capture(
    network: nn.Module, optimiser: torch.optim.Optimizer, generator_state: Mapping[str, Any], device: torch.device
) -> dict[str, Any]:
    """Weights, optimiser and random states, for `write_checkpoint`.

    `generator_state` is that of NumPy's generator after drawing the last batch learned from.
    """
    on_gpu = device.type == "cuda"
    return {
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "numpy": generator_state,
        "torch_cpu": torch.get_rng_state(),
        "torch_gpu": torch.cuda.get_rng_state(device) if on_gpu else None,
    }


def restore(
    state: dict[str, Any],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: np.random.Generator,
    device: torch.device,
) -> None:
    """Restore what `capture` returned, on this device or another."""
    network.load_state_dict(state["network"])
    saved = state["optimiser"]
    # before loading, since an optimiser places its counters by these flags
    groups = [
        group | {flag: fresh[flag] for flag in OF_THE_DEVICE if flag in fresh} | {"lr": _as(fresh["lr"], group["lr"])}
        for group, fresh in zip(saved["param_groups"], optimiser.param_groups, strict=True)
    ]
    optimiser.load_state_dict(saved | {"param_groups": groups})
    generator.bit_generator.state = state["numpy"]
    torch.set_rng_state(state["torch_cpu"])
    if state["torch_gpu"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["torch_gpu"], device)


def _as(form: float | Tensor, rate: float | Tensor) -> float | Tensor:
    """A learning rate as a number or, as this device's steps read it, in a tensor."""
    return torch.full_like(form, float(rate)) if isinstance(form, Tensor) else float(rate)


def _read(path: Path) -> dict[str, Any]:
    """Read what `write_checkpoint` wrote. Raises ValueError if any bit has changed."""
    whole = path.read_bytes()
    saved, digest = whole[:-DIGEST_BYTES], whole[-DIGEST_BYTES:]
    if hashlib.sha256(saved).digest() != digest:
        raise ValueError(f"{path}: damaged")
    return torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)


def _checkpoints(folder: Path) -> list[Path]:
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.startswith("step-"))
    except FileNotFoundError:  # none yet, or another launch has just deleted them with their folder
        return []
