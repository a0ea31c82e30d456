"""Runs of a design that was made elsewhere, such as a published one, to start from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from study.core.columns import factor_column, source_column
from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.factors import Level
from study.core.plan_sections import Combination, Constraint
from study.core.run import Run, make_run
from study.core.study_file import Study
from study.core.tables import read_parquet

PRESENT = {
    "1": True,
    "true": True,
    "yes": True,
    "present": True,
    "0": False,
    "-1": False,
    "false": False,
    "no": False,
    "absent": False,
}
"""How a file may say that a source is there; 0 and 1 as well as designers' -1 and 1."""
SHOWN_ROWS = 10


def read_design(
    study: Study,
    path: Path,
    phase: str,
    columns: Mapping[str, str] | None = None,
    levels: Mapping[str, Mapping[str, str]] | None = None,
    absent: Collection[str] = (),
) -> list[Run]:
    """The runs of a CSV or Parquet file, in its order, as runs of a sequential phase.

    The columns are `strategy`, a `source.<name>` or `<name>` for each source (0 or 1, -1 or 1, true or false), and a
    `factor.<name>` or `<name>` for each further factor; `columns` gives other names (`{"strategy": "arc"}`), `levels`
    what a file's values mean (`{"strategy": {"1": "MSS-CR"}}`). Numbers are read as numbers: 2.00 is the level 2. Other
    columns are passed over. Sources that are `absent` have no column, and no run has them.

    Raises `InputFaults` with every missing column, every value that is no level (once, with the rows that have it), and
    every repeated run; with names and levels in `columns` and `levels` that the study does not have.
    """
    wanted: dict[str, Mapping[str, Level]] = {"strategy": {name: name for name in study.strategies}}
    wanted |= {name: PRESENT for name in study.sources if name not in absent}
    wanted |= {name: {str(level): level for level in of} for name, of in study.further_factors.items()}
    raise_all(_faults_of_names(wanted, columns or {}, levels or {}))
    table = _read_table(path)
    named = {name: (columns or {}).get(name, _column_of(name, table)) for name in wanted}
    raise_all(
        Fault(path.name, f"column {column}", None, f"missing: the {name} of each run", nearest(column, map(str, table)))
        for name, column in named.items()
        if column not in table
    )
    found: dict[str, list[Level | None]] = {}
    faults: list[Fault] = []
    for name, of in wanted.items():
        known = {**of, **{value: of[level] for value, level in (levels or {}).get(name, {}).items()}}
        texts = [str(value).strip() for value in table[named[name]]]
        found[name] = [_level(text, known, name in study.sources) for text in texts]
        faults += _faults_of_values(path.name, named[name], texts, found[name], list(of))
    raise_all(faults)
    runs: list[Run] = []
    rows_of: dict[str, int] = {}
    for row in range(len(table)):
        sources = tuple(name for name in study.sources if name not in absent and found[name][row])
        further = {name: level for name in study.further_factors if (level := found[name][row]) is not None}
        run = make_run(study, phase, 0, str(found["strategy"][row]), sources, further)
        if run.run_id in rows_of:
            faults.append(Fault(path.name, f"row {row + 1}", None, f"the same run as in row {rows_of[run.run_id]}"))
        rows_of.setdefault(run.run_id, row + 1)
        runs.append(run)
    raise_all(faults)
    return runs


def _read_table(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return read_parquet(path)
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:  # pyarrow's and pandas's own errors are ValueErrors
        raise InputFaults([Fault(str(path), "", None, f"cannot be read: {error}")]) from None


def _level(text: str, known: Mapping[str, Level], is_source: bool) -> Level | None:
    """The level that a value stands for: by its spelling, or by its number."""
    text = text.lower() if is_source else text
    if text in known:
        return known[text]
    number = _number(text)
    return None if number is None else next((of for name, of in known.items() if _number(name) == number), None)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _faults_of_values(
    file: str, column: str, texts: Sequence[str], levels: Sequence[Level | None], expected: Sequence[str]
) -> Iterator[Fault]:
    """A fault for each value that is no level, with the rows that have it."""
    for value in dict.fromkeys(text for text, level in zip(texts, levels, strict=True) if level is None):
        rows = [row + 1 for row, text in enumerate(texts) if text == value]
        one_of = f"expected one of {', '.join(expected)}"
        yield Fault(file, f"{rows_named(rows)}: {column}", value, one_of, nearest(value, expected))


def rows_named(rows: Sequence[int]) -> str:
    """ "row 3", "rows 3, 5", and with many "rows 3, 5, ... and 7 more"."""
    more = f" and {len(rows) - SHOWN_ROWS} more" if len(rows) > SHOWN_ROWS else ""
    return f"row{'s' * (len(rows) > 1)} {', '.join(map(str, rows[:SHOWN_ROWS]))}{more}"


def constraint_notes(study: Study, runs: Sequence[Run]) -> list[str]:
    """Which constraints of the study runs from elsewhere do not keep, in words; they have run all the same."""
    notes = []
    for number, constraint in enumerate(study.design.constraint, 1):
        rows = [row for row, run in enumerate(runs, 1) if not _keeps(run, constraint)]
        if rows:
            notes.append(
                f"the start violates [[design.constraint]] {number} in {rows_named(rows)}; these runs are kept"
            )
    return notes


def _keeps(run: Run, constraint: Constraint) -> bool:
    if constraint.require is None:
        return not _has(run, constraint.forbid or {})
    return not _has(run, constraint.when or {}) or _has(run, constraint.require)


def _has(run: Run, combination: Combination) -> bool:
    for name, value in combination.items():
        values = value if isinstance(value, tuple) else (value,)
        if name == "sources":
            if not set(values) <= set(run.sources):
                return False
        elif ({"strategy": run.strategy, "n_sources": run.n_sources} | dict(run.factors)).get(name) not in values:
            return False
    return True


def _faults_of_names(
    wanted: Mapping[str, Mapping[str, Level]], columns: Mapping[str, str], levels: Mapping[str, Mapping[str, str]]
) -> Iterator[Fault]:
    for option, given in (("--column", columns), ("--level", levels)):
        for name in given:
            if name not in wanted:
                expected = f"neither a source nor a factor of the study: {', '.join(wanted)}"
                yield Fault("", option, name, expected, nearest(name, wanted))
    for name, meanings in levels.items():
        for level in meanings.values():
            if name in wanted and level not in wanted[name]:
                expected = f"expected a level of {name}: {', '.join(wanted[name])}"
                yield Fault("", "--level", level, expected, nearest(level, wanted[name]))


def _column_of(name: str, table: pd.DataFrame) -> str:
    return next((column for column in (source_column(name), factor_column(name)) if column in table), name)
