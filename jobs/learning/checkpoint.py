"""Checkpoints: all that a training needs to go on as if nothing had happened.

A folder of `step-<number>.pt`, each there whole or not at all. Two are kept: a disk may lose the newest, or damage it.
Each is what `torch.save` writes and then its SHA-256: PyTorch itself reads changed numbers without a word.
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
from torch import nn

from study.core.paths import write_beside_another_launch

KEPT = 2
DIGEST_BYTES = 32
OF_THE_DEVICE = ("capturable", "foreach", "fused")
"""What an optimiser's groups say of the device that it is on, not of the training."""


def write_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> None:
    """Write `state` (tensors, numbers, text, lists and dicts of them), and drop all but the last two."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    saved = buffer.getvalue()
    whole = saved + hashlib.sha256(saved).digest()
    write_beside_another_launch(folder / f"step-{step:012d}.pt", lambda path: path.write_bytes(whole))
    for old in _checkpoints(folder)[:-KEPT]:
        old.unlink(missing_ok=True)  # another launch of the study may train the same run, and delete the same files


def read_checkpoint(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest checkpoint that can be read, or None, and the names of newer ones that cannot."""
    unreadable = []
    for path in reversed(_checkpoints(folder)):
        try:
            return _read(path), unreadable
        except FileNotFoundError:  # another launch has dropped it
            continue
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
            unreadable.append(path.name)
    return None, unreadable


def capture(
    network: nn.Module, optimiser: torch.optim.Optimizer, generator_state: Mapping[str, Any], device: torch.device
) -> dict[str, Any]:
    """Weights, optimiser and random states, for `write_checkpoint`.

    `generator_state` is of NumPy's generator when it had drawn the last batch that was learned from.
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
    """Put back what `capture` took, on this device or another."""
    network.load_state_dict(state["network"])
    saved = state["optimiser"]
    # before it is loaded, for an optimiser puts its counters where its flags want them
    groups = [
        group | {flag: fresh[flag] for flag in OF_THE_DEVICE if flag in fresh}
        for group, fresh in zip(saved["param_groups"], optimiser.param_groups, strict=True)
    ]
    optimiser.load_state_dict(saved | {"param_groups": groups})
    generator.bit_generator.state = state["numpy"]
    torch.set_rng_state(state["torch_cpu"])
    if state["torch_gpu"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["torch_gpu"], device)


def _read(path: Path) -> dict[str, Any]:
    """What `write_checkpoint` wrote. Raises ValueError if a bit of it has changed."""
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
