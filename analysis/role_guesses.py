"""Which column of anybody's table has a role, guessed from usual names and from what the columns hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import pandas as pd
from pandas.api import types

from analysis.result_checks import RESULTS
from analysis.wording import listed
from study.core.errors import Fault, InputFaults

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
"""How the reason begins why a column of units is no treatment."""


def faults_of_metrics(rows: pd.DataFrame, names: Sequence[str], target: str) -> Iterator[Fault]:
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


def usual_columns(role: str, names: Collection[str]) -> list[str]:
    """The names that are usual for the role: as they are first, then those that end in one (`test_accuracy`)."""
    plain = {name: _plain(name) for name in names}
    whole = [name for usual in USUAL[role] for name in names if plain[name] == usual]
    ends = [name for usual in USUAL[role] for name in names if plain[name].endswith(f"_{usual}")]
    return list(dict.fromkeys([*whole, *ends]))


def guessed_score(rows: pd.DataFrame, names: Sequence[str]) -> str:
    """The most usual name of a column of numbers; else the only measurement, or the only column of numbers."""
    numbers = [name for name in names if _is_number(rows[name])]
    mixed = [name for name in names if pd.to_numeric(rows[name], errors="coerce").notna().any()]
    usual = [*usual_columns("score", numbers), *usual_columns("score", mixed)]
    if usual:
        return usual[0]
    roles = [name for role in ("target", "unit", "split") for name in usual_columns(role, names)]
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


def guessed_target(rows: pd.DataFrame, names: Sequence[str]) -> str:
    """The most usual name; of several such columns the finest, of which the others are a coarser view."""
    usual = usual_columns("target", names)
    finest = [one for one in usual if all(_determines(rows, one, other) for other in usual)]
    return next(iter([*finest, *usual]), "")


def guessed_treatments(rows: pd.DataFrame, names: Sequence[str], target: str) -> tuple[dict[str, str], dict[str, str]]:
    """The columns that may be compared, in order, and why the others may not. Of two columns of which one determines
    the other, the finer one names units, unless it is called as treatments are."""
    unused = {name: why for name in names if (why := _no_treatment(rows, name, target))}
    usual = usual_columns("treatment", names)
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
    if name in usual_columns("unit", [name]):
        return "names units"
    if _counts_rows(values):
        return "numbers the rows"
    if types.is_datetime64_any_dtype(values):
        return "a time"
    if _is_number(values) and values.nunique() > MOST_NUMBERS:
        return f"more than {MOST_NUMBERS} different numbers"
    if not _is_number(values) and values.nunique() > len(rows) / 2 and not usual_columns("treatment", [name]):
        return "nearly every row has its own"
    return f"{target} determines it" if target and _determines(rows, target, name) else ""


def _determines(rows: pd.DataFrame, finer: str, coarser: str) -> bool:
    return finer == coarser or bool((rows.groupby(finer, observed=True)[coarser].nunique() <= 1).all())


def _counts_rows(values: pd.Series) -> bool:
    return bool(types.is_integer_dtype(values) and values.is_unique)


def _is_number(values: pd.Series) -> bool:
    return types.is_numeric_dtype(values) and not types.is_bool_dtype(values)
