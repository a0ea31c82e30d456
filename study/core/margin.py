"""A region of practical equivalence: how large a difference has to be to matter, `0.01` or `"0.2 SD"`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

EXPECTED = 'expected a number above 0 in the unit of the metrics, such as 0.01, or in standard deviations: "0.2 SD"'
_WRITTEN = re.compile(r"\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(SD)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Margin:
    """Differences of no more than `size` do not matter: in standard deviations of a target's scores if `in_sd`,
    otherwise in the unit of its primary metric."""

    size: float
    in_sd: bool


def read_margin(given: object) -> Margin:
    """The margin as a user writes it. Raises `ValueError` with what was expected."""
    written = _WRITTEN.fullmatch(str(given))
    try:
        size = float(written[1]) if written else math.nan
    except ValueError:
        size = math.nan
    if written is None or not 0.0 < size < math.inf:
        raise ValueError(EXPECTED)
    return Margin(size, written[2] is not None)
