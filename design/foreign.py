"""Runs of a design that was made elsewhere, such as a published one, to start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.factors import Level
from study.core.run import Run, make_run
from study.core.study_file import Study

PRESENT = {"1": True, "1.0": True, "true": True, "yes": True, "0": False, "0.0": False, "false": False, "no": False}


def read_design(
    study: Study,
    path: Path,
    phase: str,
    columns: Mapping[str, str] | None = None,
    levels: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Run]:
    """The runs of a CSV or Parquet file, in its order, as runs of a sequential phase.

    The columns are `strategy`, a `source.<name>` or `<name>` a source (0 or 1, true or false), and a `factor.<name>` or
    `<name>` a further factor; `columns` gives other names (`{"strategy": "arc"}`), `levels` what a file's values mean
    (`{"strategy": {"1": "MSS-CR"}}`). Columns beside these are passed over.

    Raises `InputFaults` with every missing column, every value that is no level (once, with how many rows have it), and
    every run that stands there twice; with names and levels in `columns` and `levels` that the study does not have.
    """
    wanted: dict[str, Mapping[str, Level]] = {"strategy": {name: name for name in study.strategies}}
    wanted |= dict.fromkeys(study.sources, PRESENT)
    wanted |= {name: _spellings(of) for name, of in study.further_factors.items()}
    raise_all(_faults_of_names(wanted, columns or {}, levels or {}))
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)
    except (OSError, ValueError) as error:  # pyarrow's and pandas's own errors are ValueErrors
        raise InputFaults([Fault(str(path), "", None, f"cannot be read: {error}")]) from None
    named = {name: (columns or {}).get(name, _column_of(name, table)) for name in wanted}
    raise_all(
        Fault(path.name, f"column {column}", None, f"missing: the {name} of each run", nearest(column, map(str, table)))
        for name, column in named.items()
        if column not in table
    )
    found: dict[str, pd.Series] = {}
    faults = []
    for name, of in wanted.items():
        known = of | {value: of[level] for value, level in (levels or {}).get(name, {}).items()}
        text = table[named[name]].astype(str)
        text = text.str.lower() if name in study.sources else text
        found[name] = text.map(known)
        for value, places in text[found[name].isna()].groupby(text):
            rows = f"row {places.index[0] + 1}" + (f" and {len(places) - 1} more" if len(places) > 1 else "")
            expected = f"expected one of {', '.join(known)}"
            faults.append(Fault(path.name, f"{rows}: {named[name]}", value, expected, nearest(str(value), known)))
    raise_all(faults)
    runs: list[Run] = []
    rows_of: dict[str, int] = {}
    for row in range(len(table)):
        sources = tuple(name for name in study.sources if found[name].iat[row])
        further = {name: wanted[name][str(found[name].iat[row])] for name in study.further_factors}
        run = make_run(study, phase, 0, str(found["strategy"].iat[row]), sources, further)
        if run.run_id in rows_of:
            faults.append(Fault(path.name, f"row {row + 1}", None, f"the same run as in row {rows_of[run.run_id]}"))
        rows_of.setdefault(run.run_id, row + 1)
        runs.append(run)
    raise_all(faults)
    return runs


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
    return next((column for column in (f"source.{name}", f"factor.{name}") if column in table), name)


def _spellings(levels: Sequence[Level]) -> dict[str, Level]:
    """How a file may write each level: 8 also as 8.0, which is what a column of numbers makes of it."""
    numbers = [level for level in levels if isinstance(level, int | float) and not isinstance(level, bool)]
    return {str(level): level for level in levels} | {str(float(level)): level for level in numbers}
