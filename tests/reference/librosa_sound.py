"""Numbers of librosa 0.11.0 for tests/jobs/sound/test_spectra.py: `pip install librosa`, run, commit
librosa_sound.npz."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SAMPLE_RATE_HZ = 22050
SETTINGS = {"n_fft": 1024, "hop_length": 256, "n_mels": 128}
EVERY_FRAME, EVERY_BAND = 7, 5


def signal() -> np.ndarray:
    """Stereo of 1.3 s, float32 (2, samples): a rising chirp that fades, soft noise, and 0.2 s of digital
    silence."""
    time_s = np.arange(int(1.3 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    chirp = 0.5 * np.exp(-2 * time_s) * np.sin(2 * np.pi * (200 * time_s + 2000 * time_s**2))
    noise = 1e-3 * np.random.default_rng(1).standard_normal((2, len(time_s)))
    sound = np.stack([chirp, 0.3 * chirp[::-1]]) + noise
    sound[:, -int(0.2 * SAMPLE_RATE_HZ) :] = 0
    return sound.astype(np.float32)


def main() -> None:
    import librosa

    sound = signal()
    power = librosa.feature.melspectrogram(y=sound, sr=SAMPLE_RATE_HZ, power=2.0, center=True, **SETTINGS)
    decibels = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=80.0)  # over both channels
    mono = librosa.feature.melspectrogram(y=sound.mean(axis=0), sr=SAMPLE_RATE_HZ, **SETTINGS)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mono, ref=1.0, amin=1e-10, top_db=80.0), n_mfcc=20)
    series = np.concatenate([mfcc, librosa.feature.delta(mfcc), librosa.feature.delta(mfcc, order=2)])
    np.savez_compressed(
        Path(__file__).with_suffix(".npz"),
        shape=decibels.shape,
        mel_db=decibels[:, ::EVERY_BAND, ::EVERY_FRAME].astype(np.float32),
        mfcc_120=np.concatenate([series.mean(axis=1), series.std(axis=1)]).astype(np.float32),
        resampled=librosa.resample(sound, orig_sr=SAMPLE_RATE_HZ, target_sr=16000)[:, ::97].astype(np.float32),
    )


if __name__ == "__main__":
    main()
