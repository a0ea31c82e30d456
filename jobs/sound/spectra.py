"""Samples to spectra: the dB-mel that networks see and the MFCC baseline. The one file that imports
torchaudio."""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
import torch
from scipy.fft import dct
from scipy.signal import savgol_filter
from torchaudio.functional import amplitude_to_DB, melscale_fbanks

from jobs.sound.mel_store import TOP_DB
from study.core.errors import Fault, InputFaults
from study.core.sections import Mel

AMIN = 1e-10
"""Floor of power before taking dB: digital silence is -100 dB."""

N_MFCC = 20
DELTA_FRAMES = 9


def mel_db(sound: np.ndarray, sample_rate_hz: int, mel: Mel) -> np.ndarray:
    """dB-mel, float32 (frames, channels, n_mels), of sound (channels, samples): 1 + samples // hop_samples
    frames.

    Power 2, periodic Hann window of n_fft, centred frames with silence beyond both ends, Slaney scale and
    norm, dB clipped at 80 below the clip's maximum over its channels (the settings of librosa's
    `melspectrogram` and `power_to_db`)."""
    filters = _mel_filters(sample_rate_hz, mel.n_fft, mel.n_mels)
    spectrum = torch.stft(
        torch.from_numpy(np.ascontiguousarray(sound, dtype=np.float32)),
        mel.n_fft,
        mel.hop_samples,
        window=torch.hann_window(mel.n_fft),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )  # (channels, n_fft // 2 + 1, frames)
    power = spectrum.real.square() + spectrum.imag.square()
    decibels = amplitude_to_DB(filters.T @ power, multiplier=10.0, amin=AMIN, db_multiplier=0.0, top_db=TOP_DB)
    return decibels.permute(2, 0, 1).contiguous().numpy()


def mfcc(sound: np.ndarray, sample_rate_hz: int, mel: Mel) -> np.ndarray:
    """The MFCC baseline (n_frames, 60) of sound (channels, samples): 20 coefficients, their deltas and their second
    deltas (paper 4.2; Choi et al. 2017), of the channels' mean.

    Deltas are Savitzky-Golay slopes over 9 frames, as in librosa; shorter clips repeat their end
    frames."""
    decibels = mel_db(sound.mean(axis=0, keepdims=True), sample_rate_hz, mel)[:, 0].T  # (n_mels, frames)
    coefficients = dct(decibels, axis=0, type=2, norm="ortho")[:N_MFCC]
    edges = "interp" if coefficients.shape[1] >= DELTA_FRAMES else "nearest"
    deltas = [savgol_filter(coefficients, DELTA_FRAMES, order, deriv=order, axis=1, mode=edges) for order in (1, 2)]
    return np.concatenate([coefficients, *deltas]).T


def mean_and_deviation(parts: np.ndarray) -> np.ndarray:
    """The means, then the standard deviations, over the parts of a sound (n_parts, d): float32 (2 * d,)."""
    return np.concatenate([parts.T.mean(axis=1), parts.T.std(axis=1)]).astype(np.float32)


@lru_cache(maxsize=4)
def _mel_filters(sample_rate_hz: int, n_fft: int, n_mels: int) -> torch.Tensor:
    """Slaney filters (n_fft // 2 + 1, n_mels). Raises InputFaults if a band is narrower than a bin and
    would be empty."""
    with warnings.catch_warnings():  # about empty bands, which are a fault here
        warnings.simplefilter("ignore", UserWarning)
        filters = melscale_fbanks(n_fft // 2 + 1, 0.0, sample_rate_hz / 2, n_mels, sample_rate_hz, "slaney", "slaney")
    n_empty = int((filters.sum(dim=0) == 0).sum())
    if n_empty:
        bin_hz = sample_rate_hz / n_fft
        expected = f"{n_empty} bands are narrower than a bin of {bin_hz:.3g} Hz; expected fewer bands or a longer n_fft"
        raise InputFaults([Fault("study.toml", "[mel] n_mels", n_mels, expected)])
    return filters
