"""MP3s of every form are read whole or refused, whatever libsndfile takes for their length."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.sound.decode import read_sound
from jobs.sound.mpeg_frames import NotWholeError, is_mpeg, mpeg_stream
from study.core.errors import InputFaults
from tests.jobs.sound.mp3_files import (
    RATES_HZ,
    TRUTH_SAMPLES,
    ape,
    encoded,
    frame_starts,
    id3v1,
    id3v2,
    lyrics3,
    vbri,
    without_header,
)

LAME_DELAY, DECODER_DELAY = 576, 529
"""Samples before the sound, of the encoder and of any decoder."""

FORMS = [
    (rate_hz, channels, mode, states_length)
    for rate_hz in RATES_HZ
    for channels in (1, 2)
    for mode in ("CONSTANT", "VARIABLE")
    for states_length in (True, False)
]


@cache
def mp3_of(rate_hz: int, channels: int, mode: str, states_length: bool) -> bytes:
    mp3 = encoded(rate_hz, channels, mode)
    return mp3 if states_length else without_header(mp3)


def tagged(mp3: bytes) -> dict[str, bytes]:
    n = len(mp3)
    return {
        "no tag": mp3,
        "a picture of a twentieth": id3v2(n // 20) + mp3,
        "a picture of twice the sound": id3v2(2 * n) + mp3 + id3v1(),
        "two ID3v2 tags, one with a footer": id3v2(300) + id3v2(n // 2, has_footer=True) + mp3,
        "APE": mp3 + ape(n // 2) + id3v1(),
        "APE without a header": mp3 + ape(n // 2, has_header=False),
        "APE first": ape(n // 3) + mp3,
        "Lyrics3": mp3 + lyrics3(n // 2) + id3v1(),
        "ID3v2 last": mp3 + id3v2(n // 2, has_footer=True),
    }


def decoded(mp3: bytes) -> np.ndarray:
    with tempfile.NamedTemporaryFile(suffix=".mp3") as file:
        file.write(mp3)
        file.flush()
        return read_sound(file.name)[0]


def frame_samples(rate_hz: int) -> int:
    return 1152 if rate_hz > 24000 else 576


def refusal(folder: Path, mp3: bytes) -> str:
    (folder / "refused.mp3").write_bytes(mp3)
    with pytest.raises(InputFaults) as caught:
        read_sound(folder / "refused.mp3")
    (fault,) = caught.value.faults
    assert fault.file == str(folder / "refused.mp3")
    return str(fault.value)


@pytest.mark.parametrize(("rate_hz", "channels", "mode", "states_length"), FORMS)
def test_whole_sound_is_read_whole_however_tagged(
    tmp_path: Path, rate_hz: int, channels: int, mode: str, states_length: bool
) -> None:
    mp3 = mp3_of(rate_hz, channels, mode, states_length)
    truth = decoded(mp3_of(rate_hz, channels, mode, True))
    assert truth.shape == (channels, TRUTH_SAMPLES)
    n_in_frames = (len(frame_starts(mp3)) - 1) * frame_samples(rate_hz)
    for name, content in tagged(mp3).items():
        (tmp_path / "tagged.mp3").write_bytes(content)
        sound, found_hz = read_sound(tmp_path / "tagged.mp3")
        assert found_hz == rate_hz and len(sound) == channels
        n_before = 0
        if not states_length:  # the encoder's delay is sound; the decoder's, where libsndfile is given a length, is not
            assert sound.shape[1] in (n_in_frames, n_in_frames - DECODER_DELAY), name
            n_before = LAME_DELAY + DECODER_DELAY - (n_in_frames - sound.shape[1])
        np.testing.assert_allclose(sound[:, n_before : n_before + TRUTH_SAMPLES], truth, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("rate_hz", "channels", "mode", "states_length"), FORMS)
def test_cut_sound_is_refused(tmp_path: Path, rate_hz: int, channels: int, mode: str, states_length: bool) -> None:
    mp3 = mp3_of(rate_hz, channels, mode, states_length)
    starts = frame_starts(mp3)
    middle = len(starts) // 2
    for n_bytes in (len(mp3) - 1, starts[-2] + 1, starts[-2] + 3, starts[middle] + 20):
        cut = mp3[:n_bytes]
        for content in (cut, id3v2(2 * len(mp3)) + cut, cut + ape(100) + id3v1()):
            assert refusal(tmp_path, content).startswith("ends after" if states_length else "ends within a frame")
    for n_frames in (len(starts) - 2, middle):  # at a frame's border, where a length is stated or is not
        cut = mp3[: starts[n_frames]]
        if states_length:
            n_sound = len(starts) - 2
            assert refusal(tmp_path, cut) == f"ends after {n_frames - 1} of {n_sound} frames"
        else:
            (tmp_path / "shorter.mp3").write_bytes(cut)
            n_in_frames = n_frames * frame_samples(rate_hz)
            sound, _ = read_sound(tmp_path / "shorter.mp3")
            assert n_in_frames - DECODER_DELAY <= sound.shape[1] <= n_in_frames


def test_more_frames_than_stated_are_read_too(tmp_path: Path) -> None:
    """Two files in one, as `cat` joins them: libsndfile ends where the first one's length does."""
    mp3 = mp3_of(44100, 2, "VARIABLE", True)
    (tmp_path / "joined.mp3").write_bytes(id3v2(500) + mp3 + id3v2(3000) + mp3)
    assert soundfile.info(tmp_path / "joined.mp3").frames == TRUTH_SAMPLES
    sound, _ = read_sound(tmp_path / "joined.mp3")
    assert sound.shape[1] > 2 * TRUTH_SAMPLES


def test_a_length_that_fraunhofers_encoder_states(tmp_path: Path) -> None:
    mp3 = mp3_of(44100, 2, "VARIABLE", True)
    starts = frame_starts(mp3)
    n_frames = len(starts) - 2
    assert abs(decoded(vbri(mp3, n_frames)).shape[1] - n_frames * 1152) <= DECODER_DELAY
    assert refusal(tmp_path, vbri(mp3, n_frames)[: starts[-5]]) == f"ends after {n_frames - 4} of {n_frames} frames"


def test_a_stated_length_that_counts_its_own_frame_is_no_cut() -> None:
    mp3 = mp3_of(44100, 1, "CONSTANT", True)
    n_frames = len(frame_starts(mp3)) - 2
    stated = mp3.find(b"Info") + 8
    assert int.from_bytes(mp3[stated : stated + 4], "big") == n_frames
    one_more = mp3[:stated] + (n_frames + 1).to_bytes(4, "big") + mp3[stated + 4 :]
    assert decoded(one_more).shape[1] >= TRUTH_SAMPLES


def test_what_is_no_sound_is_stepped_over_only_where_it_is_little(tmp_path: Path) -> None:
    mp3 = mp3_of(22050, 1, "CONSTANT", False)
    starts = frame_starts(mp3)
    whole = decoded(mp3)
    np.testing.assert_array_equal(decoded(bytes(3000) + mp3), whole)  # before the sound, nothing is lost
    np.testing.assert_array_equal(decoded(mp3 + bytes(len(mp3) // 50)), whole)
    middle, later = starts[len(starts) // 3], starts[len(starts) // 2]
    hole = mp3[:middle] + bytes(later - middle) + mp3[later:]
    assert refusal(tmp_path, hole) == f"is damaged: {later - middle} of its bytes are neither frames nor tags"
    assert refusal(tmp_path, mp3[:middle] + bytes(len(mp3) - middle)).startswith("is damaged")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty, a file of 0 bytes"),
        (id3v2(4000), "holds no whole frame of MPEG sound"),
        (id3v2(4000)[:2000], "holds no whole frame of MPEG sound"),
        (b"\xff\xfb\x00\xc4" + bytes(3000), "has a free bit rate, which is not supported"),
        (b"no sound at all " * 300, "holds no whole frame of MPEG sound"),
        (b"\xff", "holds no whole frame of MPEG sound"),
    ],
)
def test_what_is_no_mp3_is_said(tmp_path: Path, content: bytes, reason: str) -> None:
    assert refusal(tmp_path, content) == reason


def test_a_single_frame_is_too_short(tmp_path: Path) -> None:
    mp3 = mp3_of(44100, 1, "CONSTANT", False)
    assert refusal(tmp_path, mp3[: frame_starts(mp3)[1]]) == "holds a single frame, too few to decode"


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".au"])
def test_other_sound_is_no_mpeg_by_any_name(tmp_path: Path, suffix: str) -> None:
    other, named = tmp_path / f"sound{suffix}", tmp_path / "named.mp3"
    soundfile.write(other, np.full(20000, 0.25), 8000)
    named.write_bytes(other.read_bytes())
    assert not is_mpeg(named)
    np.testing.assert_array_equal(read_sound(named)[0], read_sound(other)[0])
    if suffix == ".flac":
        other.write_bytes(id3v2(5000) + named.read_bytes())
        assert not is_mpeg(other)
        assert read_sound(other)[0].shape == (1, 20000)


@settings(max_examples=60)
@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 400))
def test_no_bytes_end_in_another_error(noise: bytes, first: int, last: int) -> None:
    mp3 = mp3_of(8000, 1, "CONSTANT", True)
    for content in (noise, mp3[:first] + noise + mp3[last:], id3v2(20)[:first] + noise + mp3 + ape(9)[last:]):
        try:
            stream = mpeg_stream(content)
        except NotWholeError:
            continue
        assert 0 < len(stream.frames) <= len(content) and stream.n_samples >= stream.frame_samples


def test_layer_two_is_read(tmp_path: Path) -> None:
    """Sixty frames of silence at 64 kbit/s, mono, 32 kHz: 288 bytes each, no bits for any band."""
    frame = b"\xff\xfd\x48\xc4".ljust(288, b"\0")
    assert len(decoded(frame * 60)[0]) == 60 * 1152
    assert refusal(tmp_path, (frame * 60)[:-100]) == "ends within a frame, after 59 whole ones"
