"""Numbers of bytes, as people read them."""

from __future__ import annotations

UNITS = ("bytes", "KB", "MB", "GB", "TB")


def size(n_bytes: int) -> str:
    """Two significant digits or more, in powers of 1000: "0 bytes", "4.1 KB", "320 MB", "2.1 GB"."""
    number, unit = float(n_bytes), 0
    while number >= 999.5 and unit + 1 < len(UNITS):
        number, unit = number / 1000, unit + 1
    return f"{number:.2g} {UNITS[unit]}" if number < 99.5 and unit else f"{number:.0f} {UNITS[unit]}"
