"""Sample rate, channels, crops and spectrogram for the sound that is there."""

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
"""That a study may have."""
HIGHEST_RATE_HZ = 24000
"""Enough for what music and speech are known by; every doubling doubles the work."""
LONGEST_CROP_S = 2.5
WINDOW_S = 0.0465
"""Of a spectrum: the paper's, 1024 samples at 22,050 Hz."""
CROP_FRAMES = 90
"""About as many frames in a crop: what the base network needs (63), and a little more."""
N_MELS = 64
"""Half the paper's: a quarter of the work, with the frames."""
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
    why_rate = "the rate of " + ("all files" if rates.nunique() == 1 else f"{(rates == lowest).mean():.0%} of the files")
    if parts > 1:
        why_rate = f"1/{parts} of the files' {lowest} Hz: what is above {rate / 2000:.3g} kHz is not heard"
    elif rates.nunique() > 1:
        why_rate += ", the lowest that is common; the others are resampled"

    why_channels = f"{stereo} of {len(clips)} files are stereo" if stereo else "no file has channels that differ"
    quarter = float(seconds.quantile(0.25))
    shortest = 0.1 if quarter < 1 else 0.5
    crop = min(LONGEST_CROP_S, max(shortest, math.floor(quarter * 20) / 20 if quarter < 1 else quarter // 0.5 * 0.5))
    if crop == LONGEST_CROP_S:
        why_crop = "seconds that a network sees at once; most files are longer"
    else:
        why_crop = f"three quarters of the files are this long or longer (half: {seconds.median():.2g} s or longer)"

    hop = max(16, 2 ** math.floor(math.log2(crop * rate / (CROP_FRAMES * 0.75))))
    least_frames, _ = BACKBONES["base"].minimum_crop
    frames = 1 + int(crop * rate / hop)
    if frames < least_frames:  # very short or very low: the crop is padded
        crop = math.ceil(1000 * (least_frames - 1) * hop / rate + 1) / 1000
        why_crop = (
            f"the least for the {least_frames} frames that the base network needs; shorter files are padded"
        )
    n_fft = max(128, 2 ** math.floor(math.log2(WINDOW_S * rate)), 4 * hop)
    n_mels = min(N_MELS, max(32, n_fft // 4))
    return SoundSettings(
        {"sample_rate_hz": rate, "channels": 2 if stereo > len(clips) / 2 else 1,
         "n_fft": n_fft, "hop_samples": hop, "n_mels": n_mels, "crop_s": crop},
        {"sample_rate_hz": why_rate, "channels": why_channels,
         "n_fft": f"a window of {1000 * n_fft / rate:.0f} ms",
         "hop_samples": f"{1 + int(crop * rate / hop)} frames in a crop; the base network needs {least_frames}",
         "n_mels": "bands; the paper has 128", "crop_s": why_crop},
    )  # fmt: skip
