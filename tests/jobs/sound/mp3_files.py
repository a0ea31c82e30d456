"""MP3s in the forms that are met: as libsndfile (LAME) writes them, without their header, tagged, and cut."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import soundfile

from jobs.sound.mpeg_frames import KBITS_PER_S

TRUTH_SAMPLES = 40000
RATES_HZ = (44100, 22050, 8000)
"""MPEG-1, 2 and 2.5."""


def encoded(sample_rate_hz: int, channels: int, bitrate_mode: str) -> bytes:
    """A soft tone, then a loud one with noise, so that a variable bit rate varies; with LAME's Xing or Info frame."""
    time = np.arange(TRUTH_SAMPLES)[:, None]
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, (TRUTH_SAMPLES, channels))
    sound = 0.01 * np.sin(0.05 * time) + noise * (time > TRUTH_SAMPLES / 2)
    file = BytesIO()
    soundfile.write(file, sound, sample_rate_hz, format="MP3", bitrate_mode=bitrate_mode, compression_level=0.5)
    return file.getvalue()


def frame_starts(mp3: bytes) -> list[int]:
    """Where the frames of untagged layer III sound begin, and where the last ends, by the standard's formula."""
    starts = [0]
    while starts[-1] < len(mp3):
        _, version, rates, _ = mp3[starts[-1] : starts[-1] + 4]
        is_first = version >> 3 & 3 == 3
        rate_hz = (44100, 48000, 32000)[rates >> 2 & 3] // {3: 1, 2: 2, 0: 4}[version >> 3 & 3]
        kbits_per_s = KBITS_PER_S[1 if is_first else 2, 3][(rates >> 4) - 1]
        starts.append(starts[-1] + (144 if is_first else 72) * kbits_per_s * 1000 // rate_hz + (rates >> 1 & 1))
    return starts


def without_header(mp3: bytes) -> bytes:
    """Without the first frame, which holds no sound but states the length."""
    assert mp3.find(b"Xing", 0, 64) > 0 or mp3.find(b"Info", 0, 64) > 0
    return mp3[frame_starts(mp3)[1] :]


def id3v2(n_bytes: int, has_footer: bool = False) -> bytes:
    """A tag with a picture of noise: bytes that look like frames' headers are among them."""
    size = bytes(n_bytes >> shift & 127 for shift in (21, 14, 7, 0))
    footer = b"3DI\4\0\x10" + size if has_footer else b""
    return b"ID3\4\0" + (b"\x10" if has_footer else b"\0") + size + _noise(n_bytes) + footer


def id3v1() -> bytes:
    return b"TAG" + b"a title".ljust(125)


def ape(n_bytes: int, has_header: bool = True) -> bytes:
    """An APEv2 tag of one binary item; without its header, APEv1."""
    numbers = (2000).to_bytes(4, "little") + (n_bytes + 32).to_bytes(4, "little") + (1).to_bytes(4, "little")
    header = b"APETAGEX" + numbers + (0xA0000000).to_bytes(4, "little") + bytes(8)
    footer = b"APETAGEX" + numbers + (0x80000000 * has_header).to_bytes(4, "little") + bytes(8)
    return header * has_header + _noise(n_bytes) + footer


def lyrics3(n_bytes: int) -> bytes:
    text = b"LYRICSBEGIN" + b"la " * (n_bytes // 3)
    return text + b"%06d" % len(text) + b"LYRICS200"


def vbri(mp3: bytes, n_frames: int) -> bytes:
    """In place of LAME's frame that of Fraunhofer's encoder."""
    starts = frame_starts(mp3)
    content = b"VBRI\0\1\0\0\0\x64" + len(mp3).to_bytes(4, "big") + n_frames.to_bytes(4, "big")
    return (mp3[:4] + bytes(32) + content).ljust(starts[1], b"\0")[: starts[1]] + mp3[starts[1] :]


def _noise(n_bytes: int) -> bytes:
    return np.random.default_rng(n_bytes).bytes(n_bytes)
