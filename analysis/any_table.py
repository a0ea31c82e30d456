"""Anybody's table of scores, of any field, as the models need it: one row per unit, target and treatment.

Columns go by their roles (`analysis.roles`). What is compared becomes `factor.<name>`; a unit is `run_id`, whatever it
is called, because its scores share what a run's scores share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from pandas.api import types

from analysis.result_checks import LEAST_SCALE, LEAST_SPREAD, RESULTS
from analysis.results_table import ResultsTable, standardised
from analysis.role_guesses import counts_anew
from analysis.roles import Asked, Roles, roles_of
from analysis.treatments import occurring
from analysis.wording import listed
from study.core.columns import FACTOR, factor_column
from study.core.errors import Fault, InputFaults, nearest, raise_all, some
from study.core.scales import Levels, spans_decades

ONE_TARGET = "all"
"""The target of a table that names none."""
TIMES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}
EMPTY = "empty"
"""The outcome of a row without a score."""


def any_table(rows: pd.DataFrame, asked: Asked) -> ResultsTable:
    """The table that the models of treatments are fitted to.

    Rows with an empty cell in a column that is used, or an `outcome` other than ok, are left out and counted, and so
    are targets whose scores are fewer than two or all equal. Rows of the same unit, target and treatments are averaged.
    Raises `InputFaults` for columns and values that cannot be used.
    """
    if rows.empty:
        raise InputFaults([Fault(RESULTS, "rows", 0, "expected at least one")])
    rows = rows.set_axis([str(name) for name in rows.columns], axis=1).reset_index(drop=True)
    roles = roles_of(rows, asked)
    rows, excluded = _usable(rows, roles)
    levels = {name: _levels(rows[name], scale, asked.reference) for name, scale in roles.treatment.items()}
    raise_all(_faults_of_levels(levels, asked.reference))
    long, unit = _long(rows, roles, levels)
    roles = replace(roles, unit_called=unit)
    if long["target"].nunique() == 1 and not _repeated(long) and long["split"].nunique() > 1:
        long = long.assign(target=long["split"], split="")
        roles = replace(roles, target=listed(roles.split), split=(), over_splits=True)
    factors = [factor_column(name) for name in levels]
    cell = ["run_id", "target", *factors]
    means = long.groupby(cell, sort=False, as_index=False).agg(score=("score", "mean"), n_scores=("score", "count"))
    missing = means.loc[means["score"].isna(), cell].assign(outcome=EMPTY)
    means, flat = _with_spread(means.dropna(subset="score"))
    excluded |= {f"target {name}: fewer than two different scores": count for name, count in flat.items()}
    if means.empty:
        raise InputFaults([Fault(RESULTS, roles.score, None, "no target has two different scores")])
    targets = list(dict.fromkeys(means["target"]))
    z, moments = standardised(means, pd.Series(roles.score, targets))
    return ResultsTable(
        means.assign(z=z),
        means.iloc[:0],
        moments,
        (),
        {reason: count for reason, count in excluded.items() if count},
        missing.reset_index(drop=True),
        _by_split(long.dropna(subset="score"), targets, factors),
        roles=roles,
        levels=occurring(levels, means),
    )


def _usable(rows: pd.DataFrame, roles: Roles) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows with numbers for scores, or none, and a value in every other column that is used; how many are not
    used, by reason."""
    excluded = {}
    if "outcome" in rows and "outcome" in roles.unused:
        failed = rows["outcome"].ne("ok") & rows["outcome"].notna()
        rows, excluded["outcome is not ok"] = rows[~failed], int(failed.sum())
    text = rows[roles.score].astype(object)
    score = pd.to_numeric(text, errors="coerce").astype(float)
    is_empty = text.isna() | text.astype(str).str.strip().isin(["", "None"])
    odd = (score.isna() & ~is_empty) | np.isinf(score)
    if odd.any():
        at = some([str(position + 1) for position in odd.index[odd]])
        expected = f"expected a finite number; not so in {int(odd.sum())} rows, counted from 1: {at}"
        raise InputFaults([Fault(RESULTS, roles.score, text[odd].iloc[0], expected)])
    rows, excluded["rows without a score"] = rows.assign(**{roles.score: score}), int(is_empty.sum())
    for name in filter(None, (roles.target, *roles.unit, *roles.treatment)):
        lacks = rows[name].isna()
        rows, excluded[f"rows without a value of {name}"] = rows[~lacks], int(lacks.sum())
    return rows, excluded


def _levels(values: pd.Series, scale: str, reference: Sequence[str]) -> Levels:
    """The levels that occur: a category's order, numbers ascending, names in natural order; a reference is first."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        found = [level for level in values.cat.categories if (values == level).any()]
    else:
        found = values.drop_duplicates().tolist()
        found = sorted(found) if types.is_numeric_dtype(values) else sorted(found, key=_natural)
    is_number = types.is_numeric_dtype(values) and not types.is_bool_dtype(values) and scale != "levels"
    if not is_number:
        found = list(dict.fromkeys(map(str, found)))
        return Levels(sorted(found, key=lambda level: level not in reference), "levels")
    levels = Levels(found)
    return Levels(found, "log") if scale == "log" or (not scale and spans_decades(levels)) else levels


def _natural(level: object) -> list[tuple[int, float, str]]:
    """Numbers in names count as numbers: 7B before 70B, and both after 410M."""
    parts = re.findall(r"(\d+(?:\.\d+)?)([kKMBGT]?(?![A-Za-z]))|(\D+)", str(level))
    return [(0, float(digits) * TIMES[unit.lower()], "") if digits else (1, 0.0, text) for digits, unit, text in parts]


def _faults_of_levels(levels: Mapping[str, Levels], reference: Sequence[str]) -> Iterator[Fault]:
    known = [str(level) for of in levels.values() for level in of]
    for level in reference:
        if level not in known:
            expected = f"no treatment has this level; expected one of {some(known, 20)}"
            yield Fault(RESULTS, "--reference", level, expected, nearest(level, known))
    for name, of in levels.items():
        if len(of) < 2:
            yield Fault(RESULTS, name, of[0] if of else None, "expected two levels or more to compare")
        elif of.scale == "log" and min(map(float, of)) <= 0:
            yield Fault(RESULTS, f"log({name})", min(map(float, of)), "expected numbers above zero")


def _long(rows: pd.DataFrame, roles: Roles, levels: Mapping[str, Levels]) -> tuple[pd.DataFrame, str]:
    """`run_id, target, split, score, factor.<name>`, a row for each given; and what its unit is."""
    factors = {
        factor_column(name): rows[name].astype(str if of.scale == "levels" else float) for name, of in levels.items()
    }
    target = rows[roles.target].astype(str) if roles.target else ONE_TARGET
    long = pd.DataFrame({"score": rows[roles.score], **factors})
    long = long.assign(target=target, split=_joined(rows, roles.split))
    unit, called = _unit(rows, long, roles)
    return long.assign(run_id=unit).reset_index(drop=True), called


def _unit(rows: pd.DataFrame, long: pd.DataFrame, roles: Roles) -> tuple[pd.Series, str]:
    """What a row is a score of, and how that is called. A label that counts anew under each treatment is one with the
    treatments; without any label the treatments are the unit, or, where these repeat, each row."""
    treatments = [name for name in roles.treatment if name not in roles.unit]
    if counts_anew(roles.unit):
        (name,) = roles.unit
        return _joined(rows, treatments) + f" {name} " + rows[name].astype(str), f"{name} of {listed(treatments)}"
    if roles.unit:
        return _joined(rows, roles.unit), listed(roles.unit)
    unit = _joined(rows, treatments)
    if not long.assign(unit=unit).duplicated(["unit", "target", "split"]).any():
        return unit, f"each {' x '.join(treatments)}"
    each = pd.Series([f"row {position + 1}" for position in rows.index], index=rows.index)
    return each, "each row"


def _joined(rows: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    parts = [rows[name].astype(str) for name in names]
    return parts[0].str.cat(parts[1:], sep=" ") if parts else pd.Series("", rows.index)


def _repeated(long: pd.DataFrame) -> bool:
    """Whether some treatment has two units."""
    factors = [name for name in long if name.startswith(FACTOR)]
    return bool((long.groupby(factors)["run_id"].nunique() > 1).any())


def _with_spread(means: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows of targets that can be standardised, and how many rows each other target has."""
    raise_all(
        Fault(RESULTS, "score", size, "expected scores whose squares are finite and not zero")
        for size in [float(means["score"].abs().max())]
        if size and not LEAST_SCALE < size < 1 / LEAST_SCALE
    )
    by_target = means.groupby("target")["score"]
    largest = by_target.transform(lambda score: score.abs().max())
    spread = by_target.transform("std").fillna(0.0)
    kept = spread > LEAST_SPREAD * largest
    return means[kept].reset_index(drop=True), means.loc[~kept, "target"].value_counts(sort=False).to_dict()


def _by_split(long: pd.DataFrame, targets: Sequence[str], factors: Sequence[str]) -> pd.DataFrame:
    kept = long[long["target"].isin(targets)].reset_index(drop=True)
    return kept[["run_id", "target", *factors, "score"]].assign(repeat=0, fold=kept["split"])
