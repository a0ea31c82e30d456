from __future__ import annotations

import numpy as np
import pytest

from jobs.sound.decode import convert
from jobs.sound.spectra import mean_and_deviation, mel_db, mfcc
from study.core.errors import InputFaults
from study.core.sections import Mel
from tests.reference import librosa_sound

LIBROSA = np.load(librosa_sound.__file__.replace(".py", ".npz"), allow_pickle=False)


def test_mel_is_librosas() -> None:
    mel = mel_db(librosa_sound.signal(), librosa_sound.SAMPLE_RATE_HZ, Mel())
    assert mel.dtype == np.float32
    assert mel.transpose(1, 2, 0).shape == tuple(LIBROSA["shape"])
    ours = mel.transpose(1, 2, 0)[:, :: librosa_sound.EVERY_BAND, :: librosa_sound.EVERY_FRAME]
    np.testing.assert_allclose(ours, LIBROSA["mel_db"], atol=2e-3)


def test_mfcc_is_librosas() -> None:
    ours = mean_and_deviation(mfcc(librosa_sound.signal(), librosa_sound.SAMPLE_RATE_HZ, Mel()))
    assert ours.shape == (120,)
    np.testing.assert_allclose(ours, LIBROSA["mfcc_120"], atol=2e-3)


def test_resampling_is_librosas() -> None:
    ours = convert(librosa_sound.signal(), librosa_sound.SAMPLE_RATE_HZ, 16000, 2)[:, ::97]
    np.testing.assert_allclose(ours, LIBROSA["resampled"], atol=1e-5)


def test_the_floor_is_80_db_below_the_loudest_of_both_channels() -> None:
    loud = np.random.default_rng(0).standard_normal(22050).astype(np.float32)
    mel = mel_db(np.stack([loud, 1e-6 * loud]), 22050, Mel())
    assert mel.max() - mel.min() == pytest.approx(80, abs=1e-3)
    assert np.ptp(mel[:, 1]) == 0  # 120 dB softer: all floor


@pytest.mark.parametrize("n_samples", [1, 255, 256, 5000])
def test_number_of_frames(n_samples: int) -> None:
    sound = np.ones((1, n_samples), dtype=np.float32)
    assert mel_db(sound, 22050, Mel()).shape == (1 + n_samples // 256, 1, 128)


def test_mfcc_of_a_clip_shorter_than_the_delta_window_is_finite() -> None:
    assert np.isfinite(mfcc(np.ones((2, 600), dtype=np.float32), 22050, Mel())).all()


def test_bands_narrower_than_a_bin_are_a_fault() -> None:
    with pytest.raises(InputFaults, match=r"\[mel\] n_mels = 512: .* narrower than a bin"):
        mel_db(np.ones((1, 4000), dtype=np.float32), 22050, Mel(n_mels=512))
