"""On which scale a factor's numbers count: equal steps, equal ratios, or only different levels.

What the design's criterion, the models' columns and the sentences about them share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np

from study.core.factors import Level

Scale = Literal["linear", "log", "levels"]
EVEN_STEPS = 2.0
"""Steps of which the largest is at most so many times the smallest count as even."""


class Levels(tuple[Level, ...]):
    """The levels of a study's factor in the file's order; numbers have a `scale`.

    Of three numbers or more the design makes sure that a curvature can be estimated, and the models estimate it. The
    levels of a range are its points: any of them will do, so that none has to be used.
    """

    scale: Scale
    is_range: bool

    def __new__(cls, levels: Iterable[Level], scale: Scale = "linear", is_range: bool = False) -> Levels:
        self = super().__new__(cls, levels)
        self.scale, self.is_range = scale, is_range
        return self

    def __getnewargs__(self) -> tuple[tuple[Level, ...], Scale, bool]:
        return tuple(self), self.scale, self.is_range


def is_range(levels: Sequence[Level]) -> bool:
    """Whether these are the points of a range."""
    return isinstance(levels, Levels) and levels.is_range


def points_of(lowest: float, highest: float, n: int, scale: Scale) -> list[Level]:
    """The points of a range, evenly spaced on its scale, rounded to four digits; whole numbers between whole ends."""
    points = np.geomspace(lowest, highest, n) if scale == "log" else np.linspace(lowest, highest, n)
    if isinstance(lowest, int) and isinstance(highest, int):
        return list(dict.fromkeys(round(point) for point in points.tolist()))
    return list(dict.fromkeys(float(f"{point:.4g}") for point in points.tolist()))


def are_numbers(levels: Sequence[Level]) -> bool:
    """Whether the levels have distances: numbers, unless their scale says that they are only different."""
    return scale_of(levels) != "levels" and all(
        isinstance(level, int | float) and not isinstance(level, bool) for level in levels
    )


def scale_of(levels: Sequence[Level]) -> Scale:
    """The scale of a study's factor; of levels from elsewhere the linear one."""
    return levels.scale if isinstance(levels, Levels) else "linear"


def scaled(values: Iterable[Level], levels: Sequence[Level]) -> np.ndarray:
    """Values (n,) of a factor with these levels on its scale: as they are, or their logarithm to base 10."""
    numbers = np.asarray(list(values), dtype=float)
    return np.log10(numbers) if scale_of(levels) == "log" else numbers


def has_curvature(levels: Sequence[Level]) -> bool:
    """Whether a curvature is designed for, and so estimated: a study's numbers, three or more."""
    return isinstance(levels, Levels) and are_numbers(levels) and len(levels) > 2


def curvature(values: Iterable[Level], levels: Sequence[Level]) -> np.ndarray:
    """The square of the values (n,) on their scale, less the line and the constant nearest to it over the levels.

    Beside it, the linear term stays the slope of the line through all levels.
    """
    known, wanted = scaled(levels, levels), scaled(values, levels)
    line = np.polynomial.Polynomial.fit(known, known**2, 1)
    return np.asarray(wanted**2 - line(wanted))


def unit(levels: Sequence[Level]) -> str:
    """What a slope on such a factor is counted per."""
    return "per tenfold" if scale_of(levels) == "log" else "per unit"


def spans_decades(levels: Sequence[Level]) -> bool:
    """Whether numbers span two decades or more in nearly even ratios, so that equal steps would be a mistake."""
    if not are_numbers(levels) or len(levels) < 3 or min(map(float, levels)) <= 0:
        return False
    steps = np.diff(np.sort(np.log10(np.asarray(levels, dtype=float))))
    return bool(steps.sum() >= 2 and steps.max() <= EVEN_STEPS * steps.min() + 1e-9)


def proposals(levels: dict[str, Levels], said: Iterable[str]) -> Iterator[str]:
    """What `check` proposes for factors whose scale the file does not say."""
    for name, of in levels.items():
        if name not in said and spans_decades(of):
            yield (
                f'[scale] {name} = "log" is proposed: the levels {", ".join(map(str, of))} are nearly even in ratio; '
                'linear is assumed, and setting it to "linear" confirms that'
            )
