"""Terms that the others determine, by name: said before a fit fails on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from design.aliasing import correlations
from design.candidates import Candidates
from study.core.columns import FACTOR, SOURCE

TOLERANCE = 1e-9


def dependent_terms(moments: np.ndarray, names: Sequence[str]) -> dict[str, str]:
    """Each term that is a linear combination of terms before it, with that combination.

    `moments` (n_terms, n_terms) is X'X of the columns named, over any number of runs.
    """
    scale = np.sqrt(np.where(np.diag(moments) > 0, np.diag(moments), 1))
    scaled = moments / np.outer(scale, scale)
    independent: list[int] = []
    found = {}
    for term in range(len(names)):
        known = scaled[np.ix_(independent, independent)]
        weights = np.linalg.solve(known, scaled[independent, term]) if independent else np.zeros(0)
        if scaled[term, term] - weights @ scaled[independent, term] > TOLERANCE:
            independent.append(term)
            continue
        parts = zip(weights * scale[term] / scale[independent], independent, strict=True)
        found[names[term]] = _sum([(float(weight), names[other]) for weight, other in parts if abs(weight) > 1e-6])
    return found


def derived_factors(candidates: Candidates, codes: np.ndarray) -> list[str]:
    """What runs (n_runs, n_factors) share between the number of sources and the sources whose sum it is, in words.

    The covariances with the sources add up to its variance, so that the largest correlation is no less than its
    standard deviation over the sum of theirs.
    """
    present = [column for column, factor in enumerate(candidates.factors) if factor.name.startswith(SOURCE)]
    number = np.array(candidates.factors[-1].levels, dtype=float)[codes[:, -1]]
    reason = "n_sources is the sum of the source indicators: it can be balanced, but is not a term of its own"
    if np.ptp(number) == 0:
        return [f"{reason}; all runs have {number[0]:g}"]
    columns = np.column_stack([number, codes[:, present]]).astype(float)
    found = correlations(len(columns), columns.sum(axis=0), columns.T @ columns)[0, 1:]
    deviation = columns.std(axis=0)
    return [
        f"{reason} and does not count in the aliasing; its largest correlation with a source is "
        f"{np.abs(found).max():.2f}, and at least {deviation[0] / deviation[1:].sum():.2f} in any design with these "
        "level counts"
    ]


def impossible_levels(candidates: Candidates) -> list[str]:
    """What the constraints leave no run for, in words."""
    sentences = []
    for factor, codes in zip(candidates.factors, candidates.codes.T, strict=True):
        unused = [level for code, level in enumerate(factor.levels) if not (codes == code).any()]
        name = factor.name.removeprefix(SOURCE)
        if factor.name != name and unused:
            sentences.append(f"all possible runs have {name}" if unused == [False] else f"no possible run has {name}")
        else:
            sentences += [f"no possible run has {factor.name.removeprefix(FACTOR)} = {level}" for level in unused]
    return sentences


def _sum(parts: Sequence[tuple[float, str]]) -> str:
    if not parts:
        return "0"
    text = ""
    for weight, name in parts:
        sign = " - " if weight < 0 else " + "
        size = abs(weight)
        number = f"{size:.4g}" if name == "intercept" else name if abs(size - 1) < 1e-6 else f"{size:.4g} {name}"
        text += sign + number
    return text.removeprefix(" + ").lstrip() if text.startswith(" + ") else "-" + text.removeprefix(" - ")
