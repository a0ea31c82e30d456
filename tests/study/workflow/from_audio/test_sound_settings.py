"""Settings for the sound that is there, and what a survey of it sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from jobs.sound.spectra import mel_db
from jobs.sound.survey import Clip, survey
from study.core.sections import Corpus, Mel
from study.workflow.from_audio.sound_settings import sound_settings


def clip(seconds: float, rate_hz: int, stereo: bool = False) -> Clip:
    return Clip(Path("a.wav"), "WAV", seconds, rate_hz, stereo)


@given(st.lists(st.floats(0.01, 600), min_size=1, max_size=5), st.integers(1000, 192000))
def test_any_sound_gets_crops_that_the_base_network_takes(seconds: list[float], rate_hz: int) -> None:
    keys = sound_settings([clip(each, rate_hz) for each in seconds]).keys
    mel = Mel(**{key: keys[key] for key in ("n_fft", "hop_samples", "n_mels", "crop_s")})
    rate = Corpus(tracks="t.csv", sample_rate_hz=keys["sample_rate_hz"], channels=1).sample_rate_hz
    assert 63 <= mel.crop_frames(rate) <= 160 and mel.hop_samples <= mel.n_fft
    mel_db(np.zeros((1, mel.n_fft)), rate, mel)  # refuses bands narrower than the spectrum's own resolution


def test_music_speech_and_a_mixture() -> None:
    music = sound_settings([clip(200, 44100, stereo=True)] * 9 + [clip(200, 96000)])
    assert music.keys == {"sample_rate_hz": 22050, "channels": 2, "n_fft": 1024, "hop_samples": 735, "n_mels": 64,
                          "crop_s": 2.5}  # fmt: skip
    digits = sound_settings([clip(0.3, 8000), clip(0.34, 8000), clip(0.4, 8000), clip(0.5, 8000)])
    assert digits.keys["crop_s"] == 0.2 and digits.keys["channels"] == 1
    assert sound_settings([clip(3, 44100)] * 5 + [clip(3, 16000)] * 5).keys["sample_rate_hz"] == 16000
    assert sound_settings([clip(3, 44100)] * 99 + [clip(3, 8000)]).keys["sample_rate_hz"] == 22050


def test_a_survey_sees_what_decodes_and_names_the_rest(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal((4000, 2)) / 10
    soundfile.write(tmp_path / "stereo.flac", noise, 8000)
    soundfile.write(tmp_path / "double mono.wav", np.repeat(noise[:, :1], 2, axis=1), 16000)
    (tmp_path / "broken.ogg").write_bytes(b"OggS")
    paths = [tmp_path / name for name in ("stereo.flac", "double mono.wav", "broken.ogg")]
    clips, faults = survey(paths, workers=2)
    assert clips == [Clip(paths[0], "FLAC", 0.5, 8000, True), Clip(paths[1], "WAV", 0.25, 16000, False)]
    assert [fault.file for fault in faults] == [str(paths[2])]


@pytest.mark.parametrize("rate_hz", [2000, 4000])
def test_slow_sound_is_taken_as_slow_as_a_study_allows(rate_hz: int) -> None:
    assert sound_settings([clip(5, rate_hz)]).keys["sample_rate_hz"] == 4000
