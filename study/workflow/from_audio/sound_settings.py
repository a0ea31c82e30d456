"""Sample rate, channels, crops and spectrogram that suit the sound files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from study.core.backbones import BACKBONES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.sound.survey import Clip

LOWEST_RATE_HZ = 4000
"""The lowest rate allowed in a study."""
HIGHEST_RATE_HZ = 24000
"""Enough to recognise music and speech; every doubling doubles the work."""
LONGEST_CROP_S = 2.5
WINDOW_S = 0.0465
"""Window of a spectrum, as in the paper: 1024 samples at 22,050 Hz."""
CROP_SHARE = 0.67
"""Length of a crop over a short file's: a crop as long as its file never varies, so `self` could learn nothing."""
CROP_FRAMES = 75
"""Frames of a crop: a little more than the base network needs (63)."""
LEAST_HOP = 16
N_MELS = 64
"""Half the paper's; with the fewer frames, a quarter of the work."""
COMMON_SHARE = 0.05


@dataclass(frozen=True)
class SoundSettings:
    """Keys of `[corpus]` and `[mel]`, and a reason for each."""

    keys: dict[str, float]
    why: dict[str, str]


def sound_settings(clips: Sequence[Clip]) -> SoundSettings:
    """Settings for a small study of `clips` (one or more)."""
    seconds = pd.Series([clip.seconds for clip in clips])
    rates = pd.Series([clip.sample_rate_hz for clip in clips])
    stereo = sum(clip.stereo for clip in clips)

    common = rates.value_counts(normalize=True)
    lowest = int(min(common.index[common >= min(COMMON_SHARE, common.max())]))
    parts = math.ceil(lowest / HIGHEST_RATE_HZ)
    rate = max(LOWEST_RATE_HZ, lowest // parts)
    why_rate = "the rate of " + (
        "all files" if rates.nunique() == 1 else f"{(rates == lowest).mean():.0%} of the files"
    )
    if parts > 1:
        why_rate = f"1/{parts} of the files' {lowest} Hz: content above {rate / 2000:.3g} kHz is discarded"
    elif rates.nunique() > 1:
        why_rate += ", the lowest that is common; the others are resampled"

    why_channels = f"{stereo} of {len(clips)} files are stereo" if stereo else "no file has channels that differ"
    short = float(seconds.quantile(0.25))
    crop = min(LONGEST_CROP_S, _rounded(short * CROP_SHARE))
    hop = max(LEAST_HOP, int(crop * rate / CROP_FRAMES))
    if crop == LONGEST_CROP_S:
        why_crop = "seconds that a network sees at once, as in the paper; most files are longer"
    else:
        why_crop = f"three of four files last {short:.2g} s or more, so two crops of a file differ"
    least_frames, _ = BACKBONES["base"].minimum_crop
    if crop * rate / hop < least_frames:
        crop = math.ceil(1000 * least_frames * hop / rate) / 1000
        why_crop = f"the minimum for the {least_frames} frames that the base network needs; shorter files are padded"
    n_fft = 2 ** math.floor(math.log2(WINDOW_S * rate))
    n_fft *= 2 if hop > 0.75 * n_fft else 1  # windows must overlap, or sound between them is lost
    n_mels = min(N_MELS, max(32, n_fft // 4))
    return SoundSettings(
        {
            "sample_rate_hz": rate,
            "channels": 2 if stereo > len(clips) / 2 else 1,
            "n_fft": n_fft,
            "hop_samples": hop,
            "n_mels": n_mels,
            "crop_s": crop,
        },
        {
            "sample_rate_hz": why_rate,
            "channels": why_channels,
            "n_fft": f"a window of {1000 * n_fft / rate:.0f} ms",
            "hop_samples": f"{1 + int(crop * rate / hop)} frames in a crop; the base network needs {least_frames}",
            "n_mels": "bands; the paper has 128",
            "crop_s": why_crop,
        },
    )


def _rounded(seconds: float) -> float:
    """To a twentieth of a second below one second, to half a second above."""
    step = 0.05 if seconds < 1 else 0.5
    return max(step, round(math.floor(seconds / step + 1e-9) * step, 2))
