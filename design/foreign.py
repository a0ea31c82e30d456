"""Runs of a design that was made elsewhere, such as a published one, to start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from study.errors import Fault, InputFaults, nearest, raise_all
from study.factors import Level
from study.run import Run, make_run
from study.study_file import Study

PRESENT = {"1": True, "1.0": True, "true": True, "yes": True, "0": False, "0.0": False, "false": False, "no": False}


def read_design(
    study: Study,
    path: Path,
    phase: str,
    columns: Mapping[str, str] | None = None,
    levels: Mapping[str, Mapping[str, Level]] | None = None,
) -> list[Run]:
    """The runs of a CSV or Parquet file, in its order, as runs of a sequential phase.

    The columns are `strategy`, a `source.<name>` or `<name>` a source (0 or 1, true or false), and a `factor.<name>` or
    `<name>` a further factor; `columns` gives other names (`{"strategy": "arc"}`), `levels` what a file's values mean
    (`{"strategy": {"1": "MSS-CR"}}`). Columns beside these are passed over.

    Raises `InputFaults` with every missing column, every value that is no level, and every run that stands there twice.
    """
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)
    except (OSError, ValueError) as error:  # pyarrow's and pandas's own errors are ValueErrors
        raise InputFaults([Fault(str(path), "", None, f"cannot be read: {error}")]) from None
    meanings = levels or {}
    wanted: dict[str, Mapping[str, Level]] = {"strategy": {name: name for name in study.strategies}}
    wanted |= dict.fromkeys(study.sources, PRESENT)
    wanted |= {name: _spellings(of) for name, of in study.further_factors.items()}
    named = {name: (columns or {}).get(name, _column_of(name, table)) for name in wanted}
    raise_all(
        Fault(path.name, f"column {column}", None, f"missing: the {name} of each run", nearest(column, map(str, table)))
        for name, column in named.items()
        if column not in table
    )
    faults, runs, rows_of = [], [], {}
    for row, values in enumerate(table[list(named.values())].astype(str).itertuples(index=False), 1):
        found = {}
        for (name, known), value in zip(wanted.items(), values, strict=True):
            known = {**known, **meanings.get(name, {})}
            text = value.lower() if name in study.sources else value
            if text in known:
                found[name] = known[text]
            else:
                expected = f"expected one of {', '.join(known)}"
                faults.append(Fault(path.name, f"row {row} {named[name]}", value, expected, nearest(text, known)))
        if len(found) == len(wanted):
            sources = tuple(name for name in study.sources if found[name])
            further = {name: found[name] for name in study.further_factors}
            run = make_run(study, phase, 0, str(found["strategy"]), sources, further)
            if run.run_id in rows_of:
                faults.append(Fault(path.name, f"row {row}", None, f"the same run as in row {rows_of[run.run_id]}"))
            rows_of.setdefault(run.run_id, row)
            runs.append(run)
    raise_all(faults)
    return runs


def _column_of(name: str, table: pd.DataFrame) -> str:
    return next((column for column in (f"source.{name}", f"factor.{name}") if column in table), name)


def _spellings(levels: Sequence[Level]) -> dict[str, Level]:
    """How a file may write each level: 8 also as 8.0, which is what a column of numbers makes of it."""
    numbers = [level for level in levels if isinstance(level, int | float) and not isinstance(level, bool)]
    return {str(level): level for level in levels} | {str(float(level)): level for level in numbers}
