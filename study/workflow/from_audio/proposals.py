"""Which columns become learning sources and targets, of which kind, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from study.core.errors import InputFaults
from study.core.sections import Target
from study.workflow.from_audio.columns import FEW_VALUES, LEAST_PER_CLASS, Column

MOST_PROPOSED = 5
"""Sources with a table, and targets: few enough to survey, and to learn in minutes."""
MOST_FACTORS = 16
TRACKS_PER_FACTOR = 5
LEAST_LEARNED = 10
"""Labelled tracks that a source needs to be worth a run."""
LEAST_KEPT = 0.8
"""Fraction of the labelled tracks that a target with groups must keep; otherwise it is made without groups."""
SMALL_TARGET = 3000
"""Up to this many tracks, simple probes are more stable than the paper's and much faster."""
REPEATS = 3


@dataclass(frozen=True)
class SourceProposal:
    """A source's table and its keys in the study file other than `table`."""

    name: str
    table: pd.DataFrame
    keys: dict[str, object]
    why: str


@dataclass(frozen=True)
class TargetProposal:
    """A target's table (`track_id, label[, group]`) and its keys in the study file other than `tracks`."""

    name: str
    table: pd.DataFrame
    keys: dict[str, object]
    why: str
    notes: tuple[str, ...] = field(default=())


def propose_source(column: Column, corpus: pd.Index) -> SourceProposal | str:
    """The column as a source for the tracks `corpus`, or the reason why it cannot be one."""
    if column.kind in ("none", "group"):
        return f"{column.why}{'; kept together in every split' if column.kind == 'group' else ''}"
    if column.kind == "terms":
        rows = column.values[column.values["track_id"].isin(corpus)]
        n_tracks, n_terms = rows["track_id"].nunique(), rows["term"].nunique()
        factors = _supported_factors(n_tracks, n_terms // 2)
        if factors < 2:
            return f"{column.why}; too few for topics"
        why = f"{column.why}: topics of bags of terms (pLSA)"
        return SourceProposal(column.name, rows, {"labels": "plsa", "factors": factors}, why)
    values = column.values[column.values.index.isin(corpus)]
    if len(values) < LEAST_LEARNED or values.nunique() < 2:
        return f"{column.why}; too few are left to learn from"
    table = values.rename("value").rename_axis("track_id").reset_index()
    if column.kind == "classes":
        part = f"; {values.nunique()} of them are learned from" if column.values.nunique() > values.nunique() else ""
        return SourceProposal(column.name, table, {"labels": "classes"}, column.why + part)
    if column.kind == "ordinal":
        order = [level for level in column.order if level in set(values)]
        return SourceProposal(column.name, table, {"labels": "ordinal", "order": order}, column.why)
    if values.nunique() <= FEW_VALUES:
        return SourceProposal(column.name, table, {"labels": "ordinal"}, column.why)
    factors = _supported_factors(len(values), values.nunique() // 2)
    why = f"{column.why}: a mixture of Gaussians"
    return SourceProposal(column.name, table, {"labels": "gmm", "factors": factors}, why)


def propose_target(column: Column, group: Column | None, kept: pd.Index, seed: int) -> TargetProposal | str:
    """The column as a target on the tracks `kept`, with the first split that works; or why it cannot be one."""
    if column.kind in ("none", "group"):
        return column.why
    if column.kind == "terms":
        return "several terms per track: only a source"
    labels = column.values[column.values.index.isin(kept)].rename("label").rename_axis("track_id").sort_index()
    task = "regression" if column.kind == "number" else "classification"
    for groups, division in _divisions(column, group):
        table = labels.reset_index()
        if groups is not None:
            table["group"] = table["track_id"].map(groups).fillna(table["track_id"])
        dropped: list[str] = []
        if task == "classification":
            table, dropped = _without_rare(table, int(str(division.get("folds", LEAST_PER_CLASS))))
        keys = {"task": task, "probe": _probe(task, len(table)), **division}
        enough = len(table) >= LEAST_KEPT * len(labels) or groups is None
        if enough and _divides(column.name, table, Target.model_validate(keys), seed):
            notes = tuple(_notes(column, group, groups, dropped))
            return TargetProposal(column.name, table, keys, column.why, notes)
    return f"its {len(labels)} tracks kept for targets cannot be split to train and test a probe"


def _supported_factors(n_tracks: int, n_values: int) -> int:
    """Number of factors that a table supports: enough tracks for each, and enough values to divide."""
    return min(MOST_FACTORS, n_tracks // TRACKS_PER_FACTOR, max(2, n_values))


def _divisions(column: Column, group: Column | None) -> Iterator[tuple[pd.Series | None, dict[str, object]]]:
    """Splits in order of preference: whole groups at random, folds of groups, tracks at random."""
    if group is not None and group is not column:
        yield group.values, {"repeats": REPEATS}
        for folds in (5, 4, 3, 2):
            yield group.values, {"folds": folds}
    yield None, {"repeats": REPEATS}


def _without_rare(table: pd.DataFrame, least: int) -> tuple[pd.DataFrame, list[str]]:
    """The table without classes of fewer tracks (or groups) than a split needs, and these classes."""
    units = table.groupby("label")["group" if "group" in table else "track_id"].nunique()
    rare = units.index[units < least]
    return table[~table["label"].isin(rare)].reset_index(drop=True), [str(name) for name in rare]


def _divides(name: str, table: pd.DataFrame, target: Target, seed: int) -> bool:
    """Whether the study will be able to split the target, by its own rules."""
    from jobs.targets.splits import split_faults, target_splits
    from jobs.targets.track_labels import TargetData

    labels = table["label"].to_numpy(float if target.task == "regression" else np.str_)
    if len(np.unique(labels)) < 2:
        return False
    groups = table["group"].to_numpy(np.str_) if "group" in table else None
    data = TargetData("", target.task, tuple(table["track_id"]), (), labels, groups)
    if any(split_faults(data, target)):
        return False
    try:
        target_splits(data, target, seed, name)
    except InputFaults:
        return False
    return True


def _probe(task: str, n_tracks: int) -> str:
    return "mlp" if n_tracks > SMALL_TARGET else "logistic" if task == "classification" else "svm"


def _notes(column: Column, group: Column | None, groups: pd.Series | None, dropped: Sequence[str]) -> Iterator[str]:
    if groups is not None and group is not None:
        yield f"no {group.name} is in both parts of a split: column `group` of its table"
    if column is group:
        yield f"each {column.name} here differs from those of the source"
    if dropped:
        shown = ", ".join(dropped[:5]) + (", ..." if len(dropped) > 5 else "")
        yield f"{len(dropped)} classes with too few tracks to train and test are left out: {shown}"
