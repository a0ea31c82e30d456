"""The learner `onnx`: a published encoder, read from a file and used as it is; it learns nothing and has no steps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from jobs.learning.learners.learner import Context, Learned
from jobs.sound.decode import decode
from study.core.cost import n_slices
from study.core.errors import RunFailed

BATCH = 32
"""Slices in memory at a time."""


def learn(
    context: Context,
    weights: Path,
    input: Literal["sound", "crops"] = "sound",
    sample_rate_hz: int | None = None,
    slice_s: float | None = None,
    output: str | None = None,
) -> Learned:
    """The encoder in `weights`, an ONNX file, run by onnxruntime.

    Its input is mono sound in slices, float32 (batch, samples), at `sample_rate_hz` (by default the corpus's) and of
    `slice_s` seconds (by default a crop's): all of a file, its last slice padded with zeros, or left out if it is less
    than half sound and not the only one. Or, with "crops", standardised crops (batch, channels, frames, bands). Of its
    outputs, `output` (by default the first) is averaged over all axes beyond the second. Raises RunFailed if
    onnxruntime is not installed, or cannot read the file.
    """
    encode = _encoder(context, weights, output)
    if input == "crops":
        crop = np.zeros((1, context.store.channels, context.crop_frames, context.store.n_mels), np.float32)

        def of_crops(crops: Tensor) -> Tensor:
            return torch.from_numpy(encode(crops.cpu().numpy()))

        return Learned(of_crops=of_crops, dimensions=encode(crop).shape[1])
    rate = sample_rate_hz or context.sample_rate_hz
    length = round((slice_s or context.mel.crop_s) * rate)

    def of_file(path: Path) -> np.ndarray:
        slices = _slices(decode(path, rate, 1)[0], length)
        return np.concatenate([encode(slices[first : first + BATCH]) for first in range(0, len(slices), BATCH)])

    return Learned(of_file=of_file, dimensions=encode(np.zeros((1, length), np.float32)).shape[1])


def _slices(sound: np.ndarray, length: int) -> np.ndarray:
    """All of a sound (samples,) as (n_slices, length)."""
    n = int(n_slices(np.array([len(sound)]), length)[0])
    padded = np.zeros(n * length, np.float32)
    padded[: len(sound)] = sound[: n * length]
    return padded.reshape(n, length)


def _encoder(context: Context, weights: Path, output: str | None) -> Any:
    """A function from the input, float32, to vectors (batch, d)."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise RunFailed('learner "onnx" needs the package onnxruntime, which is not installed') from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = context.threads
    wanted: Sequence[str] = ("CUDAExecutionProvider", "CPUExecutionProvider")[context.device != "cuda" :]
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    try:
        session = onnxruntime.InferenceSession(weights, options, providers=providers)
    except Exception as error:  # onnxruntime raises classes of its own, which differ by version
        raise RunFailed(f"{weights}: onnxruntime cannot read it: {error}") from None
    names = [each.name for each in session.get_outputs()]
    if output is not None and output not in names:
        raise RunFailed(f"{weights}: no output {output!r}; expected one of {', '.join(names)}")
    (first, *others) = session.get_inputs()
    if others:
        raise RunFailed(f"{weights}: expected one input, found {1 + len(others)}")

    def encode(batch: np.ndarray) -> np.ndarray:
        (found,) = session.run([output or names[0]], {first.name: np.ascontiguousarray(batch, dtype=np.float32)})
        vectors = np.asarray(found, dtype=np.float32)
        return vectors.mean(axis=tuple(range(2, vectors.ndim))) if vectors.ndim > 2 else vectors

    return encode
