"""Which column of anybody's table holds what: as asked, else guessed from usual names, and said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from analysis.result_checks import RESULTS
from analysis.role_guesses import (
    DETERMINES,
    counts_anew,
    faults_of_metrics,
    guessed_score,
    guessed_target,
    guessed_treatments,
    usual_columns,
)
from analysis.wording import listed
from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.factors import BASELINES
from study.core.strategies import BUILT_IN, Strategies

OPTION = {"score": "--score", "target": "--target", "unit": "--unit", "treatment": "--treatment"}


@dataclass(frozen=True)
class Asked:
    """The columns that somebody names, by role; empty ones are guessed. `reference` are levels that the others of
    their treatment are compared with. A treatment may be `log(x)`, or `factor(x)` for numbers that are only names."""

    score: str = ""
    target: str = ""
    unit: tuple[str, ...] = ()
    treatment: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.score or self.target or self.unit or self.treatment or self.reference)


@dataclass(frozen=True)
class Roles:
    """What each column was taken for; `target` and `unit` are empty where the table has none.

    `treatment` has the scale asked for of each: "log", "levels", or "" where its values decide. Scores are averaged
    over `split`. `unused` are the columns left over, each with the reason; `guessed` the roles that nobody named.
    `unit_called` says what shares a unit; `over_splits`: there is one target, and its splits stand for targets.
    """

    score: str
    target: str
    unit: tuple[str, ...]
    treatment: Mapping[str, str]
    split: tuple[str, ...] = ()
    unused: Mapping[str, str] = field(default_factory=dict)
    guessed: tuple[str, ...] = ()
    unit_called: str = ""
    over_splits: bool = False

    def sentences(self) -> Iterator[str]:
        """What each column was taken for, and how to say otherwise."""
        unit = self.unit_called if self.unit else f"{self.unit_called} (no column names units)"
        named = {"score": self.score, "target": self.target or "none", "unit": unit}
        named["treatments"] = ", ".join(self.treatment)
        splits = f"; averaged over {', '.join(self.split)}" if self.split else ""
        guessed = ""
        if self.guessed:
            how = listed([OPTION[role] for role in self.guessed])
            guessed = f" Guessed: {listed(self.guessed)}; to choose otherwise, use {how}."
        yield f"Columns: {'; '.join(f'{role}: {name}' for role, name in named.items())}{splits}.{guessed}"
        treatments = [name for name in self.treatment if name not in self.unit]
        if counts_anew(self.unit) and len(treatments) > 1:
            (name,) = self.unit
            yield (
                f"The same {name} under another combination of {listed(treatments)} counts as another unit. "
                f"If it is one unit, name all columns that identify it, such as --unit {treatments[0]},{name}."
            )
        if self.unused:
            yield f"Columns not used: {'; '.join(f'{name} ({why})' for name, why in self.unused.items())}."


def is_of_a_study(rows: pd.DataFrame, strategies: Strategies = BUILT_IN) -> bool:
    """Whether the table is of a study of sharing strategies: a column called so, or nearly, names some of them."""
    name = nearest("strategy", map(str, rows.columns))
    return name in rows and bool(rows[name].isin((*strategies, *BASELINES)).any())


def roles_of(rows: pd.DataFrame, asked: Asked) -> Roles:
    """The columns by role. Raises `InputFaults` for names that are no columns, and where a guess is impossible."""
    scale = dict(map(_scale_asked, asked.treatment))
    named = [name for name in (asked.score, asked.target, *asked.unit, *scale) if name]
    raise_all(_faults_of_names(asked, named, list(map(str, rows.columns))))
    left = [name for name in map(str, rows.columns) if name not in named]
    guessed = [role for role in OPTION if not getattr(asked, role)]

    score = asked.score or guessed_score(rows, left)
    left = [name for name in left if name != score]
    target = asked.target or guessed_target(rows, left)
    left = [name for name in left if name != target]
    raise_all(faults_of_metrics(rows, left, target))
    unit = asked.unit or tuple(usual_columns("unit", left)[:1])
    left = [name for name in left if name not in unit]
    split = tuple(usual_columns("split", left))
    left = [name for name in left if name not in split]
    unused = dict.fromkeys(left, "not among the treatments")
    if not asked.treatment:
        scale, unused = guessed_treatments(rows, left, target)
    if not scale and unit and not asked.unit and not counts_anew(unit):  # nothing else: units are compared
        scale, unit = {unit[0]: ""}, ()
    if not unit:
        unit = tuple(name for name, why in unused.items() if why.startswith(DETERMINES))[:1]
        unused = {name: why for name, why in unused.items() if name not in unit}
    if not scale:
        why = "; ".join(f"{name}: {reason}" for name, reason in unused.items())
        expected = "no column of treatments: expected what is to be compared, of two levels or more"
        raise InputFaults([Fault(RESULTS, "--treatment", None, expected + (f" ({why})" if why else ""))])
    return Roles(score, target, unit, scale, split, unused, tuple(guessed))


def _scale_asked(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"(log|factor)\((.+)\)", text)
    return (found[2].strip(), {"log": "log", "factor": "levels"}[found[1]]) if found else (text, "")


def _faults_of_names(asked: Asked, named: Sequence[str], columns: Sequence[str]) -> Iterator[Fault]:
    treatments = tuple(_scale_asked(text)[0] for text in asked.treatment)
    by_role = {"score": (asked.score,), "target": (asked.target,), "unit": asked.unit, "treatment": treatments}
    for role, names in by_role.items():
        for name in filter(None, names):
            if name not in columns:
                expected = f"no such column; the columns are {', '.join(columns)}"
                yield Fault(RESULTS, OPTION[role], name, expected, nearest(name, columns))
    allowed_twice = set(asked.unit) & set(treatments)
    for name in dict.fromkeys(name for name in named if named.count(name) > 1):
        if name not in allowed_twice:
            yield Fault(RESULTS, name, None, "the column is named for two roles; expected one")
