"""The families of statements in the reader's words: the question each answers, and what its effects are called."""

from __future__ import annotations

from analysis.against_baselines import FAMILY as BASELINES
from analysis.statements import PAIRS, SIZE, SLOPES
from study.core.columns import FACTOR, TRANSFER

SOURCES, BEST_SOURCES = "sources by target", "best sources"
WORDS = {
    PAIRS: ("Do the strategies differ?", "difference between strategies"),
    SLOPES: ("Does each further source change the score?", "effect of a further source"),
    SIZE: ("Does the size of the network matter?", "effect of network size"),
    BASELINES: ("Does training help, compared with the baselines?", "difference from a baseline"),
    SOURCES: ("Which sources matter, for which target?", "effect of a source on a target"),
    BEST_SOURCES: ("Does a target's best single source help?", "effect of a target's best source"),
    TRANSFER: ("Does training on the target help?", "effect of training on the target"),
}


def question_of(family: str) -> str:
    """`Do the strategies differ?`"""
    if family in WORDS:
        return WORDS[family][0]
    first, _, second = _plain(family).partition(":factor.")
    return f"Does the effect of {first} depend on {second}?" if second else f"Does {first} matter?"


def effect_of(family: str) -> str:
    """`difference between strategies`: one of its effects."""
    return WORDS[family][1] if family in WORDS else f"effect of {_plain(family)}"


def _plain(family: str) -> str:
    return family.removeprefix(FACTOR)
