"""Whether a WAV, AU or OGG file is as long as it states; libsndfile itself accepts them cut off."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

SHORTEST_PART = 0.95
"""A stream with less than this fraction of its stated length was cut off."""

OGG_PAGE_BYTES = 65307
"""The longest page of an OGG file."""

UNKNOWN_BYTES = ((0x7FFF0000, 0x80010000), (0xFFFF0000, 0x100000000))
"""Stated lengths that mean unknown, in streamed files: the greatest number, less the length of a header."""


def cut_off(path: str | os.PathLike[str]) -> str:
    """The reason why the file is incomplete, or ""."""
    n_bytes = Path(path).stat().st_size
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] == b"OggS":
            return _ogg_cut_off(file, n_bytes)
        if head[:4] == b".snd":
            begin, stated = struct.unpack(">II", head[4:])
        elif head[:4] == b"RIFF" and head[8:] == b"WAVE":
            begin, stated = _wav_data(file)
        else:
            return ""
    present = n_bytes - begin
    if present >= SHORTEST_PART * stated or any(low <= stated < high for low, high in UNKNOWN_BYTES):
        return ""
    return f"ends after {present} of {stated} bytes"


def _wav_data(file: BinaryIO) -> tuple[int, int]:
    """Where the data of a WAV file begin, and their stated number of bytes; (0, 0) without data."""
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", chunk)
        if name == b"data":
            return file.tell(), length
        file.seek(length + length % 2, os.SEEK_CUR)
    return 0, 0


def _ogg_cut_off(file: BinaryIO, n_bytes: int) -> str:
    """As `cut_off`: the last page must be marked as the last, and belong to the stream of the first page."""
    file.seek(0)
    serial = file.read(18)[14:]
    file.seek(max(0, n_bytes - OGG_PAGE_BYTES))
    page = file.read()
    page = page[max(0, page.rfind(b"OggS")) :]
    is_whole = len(page) > 26 and len(page) >= 27 + page[26] + sum(page[27 : 27 + page[26]])
    if not is_whole or not page[5] & 4:
        return "ends before the last page of its stream"
    return "" if page[14:18] == serial else "holds several streams, of which only the first can be read"
