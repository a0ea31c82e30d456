"""Algorithm 2 of Kim et al. 2019, transcribed line by line and without any thought of speed.

Runs are tuples of levels; nothing is shared with the package, so that the package's sets O and P can be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

Run = tuple[int, ...]


def possible_sets(
    runs: Sequence[Run], done: Sequence[Run], factors: Sequence[Callable[[Run], int]],
    columns: Sequence[tuple[int, Callable[[Run], int]]],
) -> tuple[list[Run], list[Run]]:  # fmt: skip
    """O and P for A = `runs` and B = `done`. `factors` give a run's level; `columns` are (factor, value of a run)."""
    smallest = min(unbalance([*done, o], [a for a in runs if a != o], factors) for o in runs)
    chosen_o = [o for o in runs if unbalance([*done, o], [a for a in runs if a != o], factors) == smallest]
    least = min(aliasing([*done, p], columns) for p in chosen_o)
    return chosen_o, [p for p in chosen_o if aliasing([*done, p], columns) == least]


def unbalance(design: Sequence[Run], remaining: Sequence[Run], factors: Sequence[Callable[[Run], int]]) -> int:
    """Largest, over factors, of largest less smallest level count; levels with nothing remaining are excepted."""
    found = [0]
    for factor in factors:
        levels = {factor(run) for run in remaining}
        counts = [sum(factor(run) == level for run in design) for level in levels]
        if counts:
            found.append(max(counts) - min(counts))
    return max(found)


def aliasing(design: Sequence[Run], columns: Sequence[tuple[int, Callable[[Run], int]]]) -> Fraction:
    """Largest squared correlation between columns of different factors, exactly; a constant column counts 0."""
    largest = Fraction(0)
    for position, (factor, column) in enumerate(columns):
        for other_factor, other in columns[:position]:
            if factor != other_factor:
                largest = max(largest, squared_correlation([column(r) for r in design], [other(r) for r in design]))
    return largest


def squared_correlation(x: Sequence[int], y: Sequence[int]) -> Fraction:
    n = len(x)
    x_with_y = n * sum(a * b for a, b in zip(x, y, strict=True)) - sum(x) * sum(y)
    x_with_x = n * sum(a * a for a in x) - sum(x) ** 2
    y_with_y = n * sum(b * b for b in y) - sum(y) ** 2
    return Fraction(x_with_y**2, x_with_x * y_with_y) if x_with_x and y_with_y else Fraction(0)
