"""The tags of an MP3 (ID3v2, ID3v1, APE and Lyrics3) before, between and after its frames.

Sources: id3.org (ID3v2.4 structure, ID3v1, Lyrics3v2), the APEv2 specification of wiki.hydrogenaud.io.
"""

from __future__ import annotations

ID3V1_BYTES = 128
ID3V1_EXTENDED_BYTES = 227
APE_BYTES = 32
"""The header of an APE tag, and its footer."""
LYRICS3_BYTES = 5120
"""The longest Lyrics3 tag of the first version, which states no length."""


def tag_bytes(data: bytes, begin: int) -> int:
    """The length of the tag that begins at `begin`, or 0."""
    if data.startswith(b"ID3", begin) and begin + 10 <= len(data):
        return 10 + _syncsafe(data, begin + 6) + 10 * (data[begin + 5] >> 4 & 1)  # with a footer
    if data.startswith(b"APETAGEX", begin) and begin + APE_BYTES <= len(data):
        return APE_BYTES + int.from_bytes(data[begin + 12 : begin + 16], "little")
    if data.startswith(b"LYRICSBEGIN", begin):
        for mark in (b"LYRICS200", b"LYRICSEND"):
            if (end := data.find(mark, begin)) >= 0:
                return end + len(mark) - begin
    return 0


def end_of_leading_tags(data: bytes) -> int:
    """Where the tags at the beginning of a file end."""
    end = 0
    while length := tag_bytes(data, end):
        end += length
    return end


def start_of_trailing_tags(data: bytes) -> int:
    """Where the tags at the end of a file begin."""
    end, before = len(data), -1
    while end != before:
        before = end
        end = max(0, end - _last_tag_bytes(data, end))
    return end


def _last_tag_bytes(data: bytes, end: int) -> int:
    """The length of the tag that ends at `end`, or 0."""
    if data.startswith(b"TAG", end - ID3V1_BYTES, end):
        extended = data.startswith(b"TAG+", end - ID3V1_BYTES - ID3V1_EXTENDED_BYTES, end)
        return ID3V1_BYTES + ID3V1_EXTENDED_BYTES * extended
    if data.startswith(b"APETAGEX", end - APE_BYTES, end):
        has_header = data[end - APE_BYTES + 23] >> 7
        return int.from_bytes(data[end - APE_BYTES + 12 : end - APE_BYTES + 16], "little") + APE_BYTES * has_header
    if data.startswith(b"3DI", end - 10, end):
        return 20 + _syncsafe(data, end - 4)
    if data.endswith(b"LYRICS200", 0, end) and data[end - 15 : end - 9].isdigit():
        return 15 + int(data[end - 15 : end - 9])
    if data.endswith(b"LYRICSEND", 0, end):
        begin = data.rfind(b"LYRICSBEGIN", max(0, end - LYRICS3_BYTES), end)
        return end - begin if begin >= 0 else 0
    return 0


def _syncsafe(data: bytes, begin: int) -> int:
    """A number of 28 bits, seven per byte."""
    first, second, third, fourth = data[begin : begin + 4]
    return first << 21 | second << 14 | third << 7 | fourth
