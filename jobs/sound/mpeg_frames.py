"""The frames of an MP3, counted to the end of the file, since nothing else gives its length reliably.

A frame's header (4 bytes) gives only the frame's own length. Some encoders begin with a frame that holds no sound but
states how many follow (Xing, Info or VBRI). Without one, decoders estimate the length from the size of the file and
of its first frame. The estimate counts tags and pictures as sound, and is far off if the bit rate varies.

Sources: ISO/IEC 11172-3 and 13818-3, 2.4.1.3 (headers); the LAME tag's specification (Xing, Info); Fraunhofer (VBRI).
"""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jobs.sound.mpeg_tags import APE_BYTES, end_of_leading_tags, start_of_trailing_tags, tag_bytes

HEADER = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x00-\xef]", re.DOTALL)
"""How a frame begins: sync, and a version, layer and bit rate that are defined."""

KIND, LENGTH, BIT_RATE, NO_CHECKSUM = 0xFFFE0C, 0xFFFEFE, 0x0000F0, 0x000100
"""Bits of a header's first three bytes: what all frames of a stream share (sync, version, layer, sample rate); that
and what else a frame's length depends on (bit rate, padding); and two of them alone."""

SAMPLE_RATES_HZ = (44100, 48000, 32000)
"""Of MPEG-1. They are halved in MPEG-2 and halved again in MPEG-2.5."""

KBITS_PER_S = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates 1 to 14, by version (2 also stands for 2.5) and layer."""

IN_A_ROW = 3
"""A header found by search counts only with this many in a row; a single one may be chance."""

LOST_PART = 0.05
"""If no length is stated, at most this fraction of a stream may be neither frames nor tags."""

OTHER_SOUND = (b"RIFF", b"RF64", b"OggS", b"fLaC", b".snd", b"FORM", b"caff")
"""How other kinds of sound files begin."""

VBRI_BEGINS, XING_ENDS = 36, 42
"""Positions in a frame, in bytes: where VBRI begins, and by which Xing or Info ends."""

XING_FRAME_BYTES = 64
"""Enough for a header, the side information, and a Xing header with the number of frames."""


class NotWholeError(ValueError):
    """The frames of a file cannot be found, or some are missing. The message is the reason."""


@dataclass(frozen=True)
class MpegStream:
    """The `frames` of a file, joined. The first of them holds no sound but the right length if `states_length`."""

    frames: bytes
    states_length: bool
    n_frames: int
    """Frames with sound."""
    frame_samples: int
    """Samples per frame and channel."""

    @property
    def n_samples(self) -> int:
        """Samples per channel, the encoder's delay and padding included."""
        return self.n_frames * self.frame_samples

    def with_length(self) -> bytes:
        """The frames, preceded by one that holds no sound but states their number (Xing)."""
        kind = _start_of_header(self.frames, 0) & KIND
        start, length = next((start, n) for start, n in _frame_lengths(kind).items() if n >= XING_FRAME_BYTES)
        header = (start | NO_CHECKSUM).to_bytes(3, "big") + self.frames[3:4]
        is_mono, version = self.frames[3] >> 6 == 3, _version_and_layer(kind)[0]
        side_information = bytes((17 if is_mono else 32) if version == 1 else (9 if is_mono else 17))
        xing = struct.pack(">4sII", b"Xing", 1, self.n_frames)
        return (header + side_information + xing).ljust(length, b"\0") + self.frames


def is_mpeg(path: str | os.PathLike[str]) -> bool:
    """Whether to read a file as MPEG sound: it begins with a frame (after tags), or is named .mp3 and does not begin
    like another kind of sound file."""
    with open(path, "rb") as file:
        begin, head = 0, file.read(APE_BYTES)
        while n_bytes := tag_bytes(head, 0):
            begin = file.seek(begin + n_bytes)
            head = file.read(APE_BYTES)
    return bool(HEADER.match(head)) or (Path(path).suffix.lower() == ".mp3" and head[:4] not in OTHER_SOUND)


def mpeg_stream(data: bytes) -> MpegStream:
    """The MPEG sound (layer I, II or III) in the content of a file.

    Raises NotWholeError if there are no frames; if there are fewer than the file states; or, if it states no number,
    if the last one is cut off or more than `LOST_PART` of the stream is neither frames nor tags."""
    end = start_of_trailing_tags(data)
    first = _first_frame(data, end_of_leading_tags(data), end)
    kind = _start_of_header(data, first) & KIND
    frames, n_frames, n_lost, is_cut_off = _joined_frames(data, first, end, _frame_lengths(kind))
    first_bytes = _frame_lengths(kind)[_start_of_header(frames, 0) & LENGTH]
    has_no_sound, stated_frames, stated_bytes = _stated_length(frames[:first_bytes])
    n_frames -= has_no_sound
    if stated_frames > n_frames and not 0 < stated_bytes <= len(frames):  # some encoders also count their first frame
        raise NotWholeError(f"ends after {n_frames} of {stated_frames} frames")
    if not stated_frames and is_cut_off:
        raise NotWholeError(f"ends within a frame, after {n_frames} whole ones")
    if not stated_frames and n_lost > LOST_PART * (len(frames) + n_lost):
        raise NotWholeError(f"is damaged: {n_lost} of its bytes are neither frames nor tags")
    if n_frames < 2:
        raise NotWholeError("holds a single frame, too few to decode" if n_frames else "holds no samples")
    states_length = stated_frames >= n_frames - 1 and not frames.startswith(b"VBRI", VBRI_BEGINS)  # libmpg123: no VBRI
    if has_no_sound and not states_length:
        frames = frames[first_bytes:]
    return MpegStream(frames, states_length, n_frames, _frame_samples(kind))


def _first_frame(data: bytes, begin: int, end: int) -> int:
    """Where the first frame begins: at `begin`, or after foreign bytes."""
    for match in HEADER.finditer(data, begin, end):
        start = _start_of_header(data, match.start())
        if match.start() == begin and not start & BIT_RATE:
            raise NotWholeError("has a free bit rate, which is not supported")
        lengths = _frame_lengths(start & KIND)
        frame = data[match.start() : match.start() + lengths.get(start & LENGTH, 0)]
        if _stated_length(frame)[0] or _are_frames(data, match.start(), end, lengths):
            return match.start()
    raise NotWholeError("holds no whole frame of MPEG sound")


def _joined_frames(data: bytes, begin: int, end: int, lengths: Mapping[int, int]) -> tuple[bytes, int, int, bool]:
    """The frames from `begin` on; their number; the number of bytes that are neither frames nor tags; and whether the
    last frame is cut off."""
    runs, n_frames, n_lost = [], 0, 0
    while begin < end:
        n_run, stop = _run(data, begin, end, lengths)
        runs.append(data[begin:stop])
        n_frames += n_run
        if _is_start(data[stop : min(stop + 3, end)], lengths):
            return b"".join(runs), n_frames, n_lost, True
        after_tag = stop + tag_bytes(data, stop)
        begin = _next_frame(data, after_tag, end, lengths)
        n_lost += max(0, begin - after_tag)
    return b"".join(runs), n_frames, n_lost, False


def _run(data: bytes, begin: int, end: int, lengths: Mapping[int, int], most: int = sys.maxsize) -> tuple[int, int]:
    """The number of consecutive whole frames from `begin` on, and where they stop."""
    n_frames, position = 0, begin
    while n_frames < most:
        length = lengths.get(_start_of_header(data, position) & LENGTH)
        if length is None or position + length > end:
            break
        position += length
        n_frames += 1
    return n_frames, position


def _next_frame(data: bytes, begin: int, end: int, lengths: Mapping[int, int]) -> int:
    """Where frames continue, at `begin` or later; `end` if they do not."""
    starts = (match.start() for match in HEADER.finditer(data, begin, end))
    return next((start for start in starts if _are_frames(data, start, end, lengths)), end)


def _are_frames(data: bytes, begin: int, end: int, lengths: Mapping[int, int]) -> bool:
    """Whether consecutive frames begin at `begin`: `IN_A_ROW` of them, or all to the end."""
    n_frames, stop = _run(data, begin, end, lengths, IN_A_ROW)
    to_the_end = stop == end or tag_bytes(data, stop) > 0 or _is_start(data[stop : min(stop + 3, end)], lengths)
    return n_frames == IN_A_ROW or (n_frames > 0 and to_the_end)


def _is_start(start: bytes, lengths: Mapping[int, int]) -> bool:
    """Whether up to three bytes are a frame's header or its beginning."""
    if len(start) < 3:
        return start.startswith(b"\xff")
    return _start_of_header(start, 0) & LENGTH in lengths


def _stated_length(frame: bytes) -> tuple[bool, int, int]:
    """Whether a stream's first frame states the length instead of holding sound; the number of frames and of bytes, or
    0."""
    if frame.startswith(b"VBRI", VBRI_BEGINS) and len(frame) >= VBRI_BEGINS + 18:
        n_bytes, n_frames = struct.unpack_from(">II", frame, VBRI_BEGINS + 10)
        return True, n_frames, n_bytes
    begin = max(frame.find(name, 4, XING_ENDS) for name in (b"Xing", b"Info"))
    if begin < 0 or len(frame) < begin + 16:
        return False, 0, 0
    flags, *numbers = struct.unpack_from(">III", frame, begin + 4)
    n_frames = numbers.pop(0) if flags & 1 else 0
    return True, n_frames, numbers[0] if flags & 2 else 0


def _start_of_header(data: bytes, begin: int) -> int:
    return int.from_bytes(data[begin : begin + 3], "big")


def _version_and_layer(kind: int) -> tuple[float, int]:
    return {3: 1, 2: 2, 0: 2.5}[kind >> 11 & 3], 4 - (kind >> 9 & 3)


def _frame_samples(kind: int) -> int:
    version, layer = _version_and_layer(kind)
    return 384 if layer == 1 else 576 if layer == 3 and version > 1 else 1152


@cache
def _frame_lengths(kind: int) -> Mapping[int, int]:
    """Bytes of a frame by its header's `LENGTH` bits, in order of bit rate; empty if the sample rate is undefined."""
    rate = kind >> 2 & 3
    if rate == 3:
        return {}
    version, layer = _version_and_layer(kind)
    sample_rate_hz = SAMPLE_RATES_HZ[rate] // {1: 1, 2: 2, 2.5: 4}[version]
    slot_bytes = 4 if layer == 1 else 1
    slots = _frame_samples(kind) // 8 // slot_bytes
    return {
        kind | bit_rate << 4 | padding << 1: (slots * kbits_per_s * 1000 // sample_rate_hz + padding) * slot_bytes
        for bit_rate, kbits_per_s in enumerate(KBITS_PER_S[min(2, int(version)), layer], start=1)
        for padding in (0, 1)
    }
