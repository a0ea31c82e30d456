from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.sound.decode import LOUDEST, convert, decode, sound_faults
from jobs.sound.spectra import mel_db
from study.core.errors import InputFaults
from study.core.sections import Mel

SHARED = Path(__file__).parents[3] / "../shared"
TONE = (0.4 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "au"])
def test_every_format_decodes_to_the_same_sound(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.stack([TONE, 0.5 * TONE], axis=1), 16000)
    sound = decode(path, 16000, 2)
    assert sound.dtype == np.float32 and sound.flags.c_contiguous
    assert sound.shape == (2, len(TONE))
    middle = slice(4000, 12000)
    error = np.sqrt(np.mean((sound[0] - TONE)[middle] ** 2) / np.mean(TONE[middle] ** 2))
    assert error < (0.1 if suffix in ("mp3", "ogg") else 1e-3)


def test_mono_is_doubled_and_more_channels_are_mixed_down() -> None:
    six = np.random.default_rng(0).standard_normal((6, 50)).astype(np.float32)
    doubled = convert(six[:1], 8000, 8000, 2)
    np.testing.assert_array_equal(doubled, six[[0, 0]])
    np.testing.assert_allclose(convert(six, 8000, 8000, 2), np.repeat(six.mean(axis=0)[None], 2, axis=0), rtol=1e-6)
    np.testing.assert_allclose(convert(six[:2], 8000, 8000, 1), six[:2].mean(axis=0)[None], rtol=1e-6)
    np.testing.assert_array_equal(convert(six[:2], 8000, 8000, 2), six[:2])


@pytest.mark.parametrize("from_hz", [8000, 44100, 44101, 48000])
def test_resampling_keeps_pitch_and_length_and_lets_no_alias_through(from_hz: int) -> None:
    time_s = np.arange(from_hz) / from_hz
    sound = convert(np.sin(2 * np.pi * 1000 * time_s)[None].astype(np.float32), from_hz, 22050, 1)
    assert sound.shape == (1, 22050)
    spectrum = np.abs(np.fft.rfft(sound[0] * np.hanning(22050)))
    assert spectrum.argmax() == 1000
    if from_hz > 30000:
        high = convert(np.sin(2 * np.pi * 14000 * time_s)[None].astype(np.float32), from_hz, 22050, 1)
        assert np.abs(high[0, 1000:-1000]).max() < 1e-4


def _broken_files(folder: Path) -> list[Path]:
    soundfile.write(folder / "whole.flac", TONE, 16000)
    noise = np.random.default_rng(0).uniform(-1, 1, 160000)
    soundfile.write(folder / "noise.mp3", noise, 16000)
    soundfile.write(folder / "noise.flac", noise, 16000)
    soundfile.write(folder / "silent.wav", np.zeros(0), 16000)
    soundfile.write(folder / "nan.wav", np.array([0.0, np.nan, 0.5]), 16000, subtype="FLOAT")
    soundfile.write(folder / "loud.wav", 3e29 * TONE, 16000, subtype="FLOAT")
    for suffix in ("mp3", "flac"):
        whole = (folder / f"noise.{suffix}").read_bytes()
        (folder / f"cut.{suffix}").write_bytes(whole[: len(whole) // 2])
    (folder / "nothing.wav").write_bytes(b"")
    (folder / "text.ogg").write_text("not sound at all " * 100)
    (folder / "headless.raw").write_bytes(b"\0" * 100)
    names = ["silent.wav", "nan.wav", "cut.mp3", "cut.flac", "nothing.wav", "text.ogg", "headless.raw", "loud.wav",
             "absent.wav"]  # fmt: skip
    return [folder / name for name in names]


def test_broken_files_are_named_all_at_once_and_in_order(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    broken = _broken_files(tmp_path)
    faults = sound_faults([tmp_path / "whole.flac", *broken, tmp_path / "noise.mp3"], workers=2)
    assert [fault.file for fault in faults] == [str(path) for path in broken]
    reasons = [str(fault.value) for fault in faults]
    assert reasons[0] == "holds no samples"
    assert reasons[1] == "holds NaN or infinite samples"
    assert reasons[2] == "ends after 139 of 280 frames"
    assert reasons[4] == "is empty, a file of 0 bytes"
    assert reasons[-2] == "holds samples of 1.2e+29 times full scale"
    assert reasons[-1] == "no such file"
    for path in broken:
        with pytest.raises(InputFaults, match=path.name):
            decode(path, 16000, 1)
    capfd.readouterr()  # libmpg123 writes its own warning of the cut file


@pytest.mark.parametrize(("suffix", "kept"), [("wav", 0.33), ("au", 0.33), ("ogg", 0.33), ("ogg", 0.99)])
def test_sound_that_was_cut_off_is_a_fault(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"noise.{suffix}"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 80000), 16000)
    assert sound_faults([path]) == []
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    (found,) = sound_faults([path])
    assert found.file == str(path)
    assert str(found.value).startswith("ends before the last page" if suffix == "ogg" else "ends after ")


@pytest.mark.parametrize("stated", [0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF - 36, 0xFFFFFFFF])
def test_a_wav_that_was_streamed_is_as_long_as_it_lasts(tmp_path: Path, stated: int) -> None:
    path = tmp_path / "streamed.wav"
    soundfile.write(path, TONE, 16000)
    whole = path.read_bytes()
    at = whole.index(b"data") + 4
    path.write_bytes(whole[:at] + stated.to_bytes(4, "little") + whole[at + 4 :])
    assert decode(path, 16000, 1).shape == (1, len(TONE))


@pytest.mark.parametrize(
    ("sample_rate_hz", "stated_bytes", "reason"),
    [
        (1, 8000, "states a sample rate of 1 Hz, outside 100 Hz to 10 MHz"),
        (2_000_000_000, 8000, "states a sample rate of 2000000000 Hz, outside 100 Hz to 10 MHz"),
        (16000, 3_200_000_000, "ends after 8000 of 3200000000 bytes"),
    ],
)
def test_headers_of_nonsense_are_refused(tmp_path: Path, sample_rate_hz: int, stated_bytes: int, reason: str) -> None:
    path = tmp_path / "nonsense.wav"
    soundfile.write(path, TONE[:4000], sample_rate_hz)
    wav = path.read_bytes()
    path.write_bytes(wav[:40] + stated_bytes.to_bytes(4, "little") + wav[44:])
    (found,) = sound_faults([path])
    assert found.value == reason


def flac_that_states(n_samples: int, path: Path) -> bytes:
    soundfile.write(path, TONE, 16000)
    flac = bytearray(path.read_bytes())
    flac[21] = flac[21] & 0xF0 | n_samples >> 32
    flac[22:26] = (n_samples & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(flac)
    return bytes(flac)


def test_flac_that_was_streamed_is_as_long_as_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "streamed.flac"
    streamed = flac_that_states(0, path)
    np.testing.assert_allclose(decode(path, 16000, 1), TONE[None], atol=1e-4)
    path.write_bytes(streamed[:-10])
    (found,) = sound_faults([path])
    assert "lost sync" in str(found.value)


def test_flac_that_states_more_than_memory_holds_is_refused(tmp_path: Path) -> None:
    flac_that_states(2**36 - 1, tmp_path / "long.flac")
    (found,) = sound_faults([tmp_path / "long.flac"])
    assert found.value == f"ends after 16000 of {2**36 - 1} samples"


def test_a_second_stream_in_an_ogg_is_not_passed_over(tmp_path: Path) -> None:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.ogg", TONE, 16000)
    joined = (tmp_path / "a.ogg").read_bytes() + (tmp_path / "b.ogg").read_bytes()
    (tmp_path / "joined.ogg").write_bytes(joined)
    (found,) = sound_faults([tmp_path / "joined.ogg"])
    assert found.value == "holds several streams, of which only the first can be read"


def test_the_loudest_sound_that_is_read_has_a_mel_spectrogram(tmp_path: Path) -> None:
    path = tmp_path / "loudest.wav"
    soundfile.write(path, np.full(70000, LOUDEST), 16000, subtype="FLOAT")
    for mel in (Mel(), Mel(n_fft=65536)):
        assert np.isfinite(mel_db(decode(path, 16000, 1), 16000, mel)).all()


def test_real_recordings_decode() -> None:
    folder = SHARED / "corpora/librosa"
    if not folder.is_dir():
        pytest.skip(f"no real recordings at {folder}")
    paths = sorted(folder.glob("*.ogg"))
    assert paths and sound_faults(paths, workers=2) == []
    trumpet = decode(next(path for path in paths if "trumpet" in path.name), 22050, 2)
    assert trumpet.shape[0] == 2 and 0.05 < np.abs(trumpet).max() <= 1.1
