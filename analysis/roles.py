"""Which column of anybody's table holds what: as asked, else guessed from usual names, and said."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from pandas.api import types

from analysis.result_checks import RESULTS
from analysis.wording import listed
from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.factors import BASELINES
from study.core.strategies import BUILT_IN, Strategies

USUAL = {
    "score": (
        "score",
        "accuracy",
        "acc",
        "value",
        "result",
        "performance",
        "f1",
        "auc",
        "auroc",
        "bleu",
        "rouge",
        "ndcg",
        "correlation",
        "reward",
        "return",
        "rating",
        "error",
        "loss",
        "rmse",
        "mae",
        "response",
        "reaction",
    ),
    "target": (
        "target",
        "task",
        "dataset",
        "data_set",
        "benchmark",
        "test_set",
        "corpus",
        "domain",
        "language",
        "environment",
        "env",
        "game",
    ),
    "unit": (
        "run_id",
        "run",
        "unit",
        "subject",
        "participant",
        "model_id",
        "seed",
        "random_seed",
        "replicate",
        "replication",
        "rep",
        "trial",
        "batch",
        "block",
        "id",
    ),
    "split": ("fold", "split", "repeat", "cv_fold"),
    "treatment": ("treatment", "method", "model", "algorithm", "system", "condition", "architecture", "variant"),
}
"""By role, names that are usual for a column, the most telling first."""
COUNTED_ANEW = {"run", "seed", "random_seed", "replicate", "replication", "rep", "trial"}
"""Names of units that count anew under each treatment: seed 1 of one model is not seed 1 of another."""
METRICS = ("metric", "metric_name", "measure")
MOST_NUMBERS = 12
"""A column of more different numbers is a measurement and no treatment, unless it is asked for."""
DETERMINES = "determines "
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

    score = asked.score or _score(rows, left)
    left = [name for name in left if name != score]
    target = asked.target or _target(rows, left)
    left = [name for name in left if name != target]
    raise_all(_faults_of_metrics(rows, left, target))
    unit = asked.unit or tuple(_usual("unit", left)[:1])
    left = [name for name in left if name not in unit]
    split = tuple(_usual("split", left))
    left = [name for name in left if name not in split]
    unused = dict.fromkeys(left, "not among the treatments")
    if not asked.treatment:
        scale, unused = _treatments(rows, left, target)
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


def _faults_of_metrics(rows: pd.DataFrame, names: Sequence[str], target: str) -> Iterator[Fault]:
    for name in names:
        values = rows[name].dropna().unique()
        if _plain(name) in METRICS and len(values) > 1 and not (target and _determines(rows, target, name)):
            expected = "expected one metric, or one per target: their scores do not compare; keep the rows of one"
            yield Fault(RESULTS, name, ", ".join(map(str, values)), expected)


def counts_anew(unit: Sequence[str]) -> bool:
    """Whether a unit's label counts anew under each treatment, by its name."""
    return len(unit) == 1 and _plain(unit[0]) in COUNTED_ANEW


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _usual(role: str, names: Collection[str]) -> list[str]:
    """The names that are usual for the role: as they are first, then those that end in one (`test_accuracy`)."""
    plain = {name: _plain(name) for name in names}
    whole = [name for usual in USUAL[role] for name in names if plain[name] == usual]
    ends = [name for usual in USUAL[role] for name in names if plain[name].endswith(f"_{usual}")]
    return list(dict.fromkeys([*whole, *ends]))


def _score(rows: pd.DataFrame, names: Sequence[str]) -> str:
    """The most usual name of a column of numbers; else the only measurement, or the only column of numbers."""
    numbers = [name for name in names if _is_number(rows[name])]
    mixed = [name for name in names if pd.to_numeric(rows[name], errors="coerce").notna().any()]
    usual = [*_usual("score", numbers), *_usual("score", mixed)]
    if usual:
        return usual[0]
    roles = [name for role in ("target", "unit", "split") for name in _usual(role, names)]
    others = [name for name in numbers if name not in roles and not _counts_rows(rows[name])]
    measured = [name for name in others if rows[name].nunique() > MOST_NUMBERS]
    for only in (measured, others):
        if len(only) == 1:
            return only[0]
    candidates = " or ".join(measured or others)
    which = f"it may be {candidates}" if candidates else "no column holds numbers"
    expected = (
        f"the column of scores cannot be guessed: {which}; a table with one column per target has to be made long"
    )
    raise InputFaults([Fault(RESULTS, "--score", None, f"{expected}; the columns are {', '.join(names)}")])


def _target(rows: pd.DataFrame, names: Sequence[str]) -> str:
    """The most usual name; of several such columns the finest, of which the others are a coarser view."""
    usual = _usual("target", names)
    finest = [one for one in usual if all(_determines(rows, one, other) for other in usual)]
    return next(iter([*finest, *usual]), "")


def _treatments(rows: pd.DataFrame, names: Sequence[str], target: str) -> tuple[dict[str, str], dict[str, str]]:
    """The columns that may be compared, in order, and why the others may not. Of two columns of which one determines
    the other, the finer one names units, unless it is called as treatments are."""
    unused = {name: why for name in names if (why := _no_treatment(rows, name, target))}
    usual = _usual("treatment", names)
    chosen: list[str] = []
    for name in sorted((name for name in names if name not in unused), key=lambda name: name not in usual):
        finer = [other for other in chosen if _determines(rows, other, name)]
        finer = [other for other in finer if other in usual or _determines(rows, name, other)]
        if finer:
            unused[name] = f"{finer[0]} determines it"
        else:
            chosen.append(name)
    left = [name for name in names if name not in unused]
    for name in left:
        coarser = [other for other in left if other != name and _determines(rows, name, other)]
        if coarser and name not in usual:
            unused[name] = f"{DETERMINES}{listed(coarser)}"
    return {name: "" for name in names if name not in unused}, {name: unused[name] for name in names if name in unused}


def _no_treatment(rows: pd.DataFrame, name: str, target: str) -> str:
    """Why a column is no treatment by itself; empty if it may be."""
    values = rows[name]
    if values.nunique() < 2:
        return "one value"
    if name in _usual("unit", [name]):
        return "names units"
    if _counts_rows(values):
        return "numbers the rows"
    if types.is_datetime64_any_dtype(values):
        return "a time"
    if _is_number(values) and values.nunique() > MOST_NUMBERS:
        return f"more than {MOST_NUMBERS} different numbers"
    if not _is_number(values) and values.nunique() > len(rows) / 2 and not _usual("treatment", [name]):
        return "nearly every row has its own"
    return f"{target} determines it" if target and _determines(rows, target, name) else ""


def _determines(rows: pd.DataFrame, finer: str, coarser: str) -> bool:
    return finer == coarser or bool((rows.groupby(finer, observed=True)[coarser].nunique() <= 1).all())


def _counts_rows(values: pd.Series) -> bool:
    return bool(types.is_integer_dtype(values) and values.is_unique)


def _is_number(values: pd.Series) -> bool:
    return types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
