"""Start: the runs of a design made elsewhere, to be extended."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from study.core.errors import Fault, InputFaults, raise_all
from study.core.run import Run
from study.core.study_file import Study


def read_start(
    study: Study, path: Path, columns: Sequence[str], levels: Sequence[str], absent: Sequence[str] = ()
) -> list[Run]:
    """The runs of a foreign design, as runs of the study's first sequential phase; `absent` sources have no column."""
    from design.foreign import read_design

    phases = [phase.name for phase in study.phases if phase.criterion is not None]
    if not phases:
        raise InputFaults([Fault("", "--start", str(path), "the study has no sequential phase to extend")])
    faults = [
        Fault("", "--column", text, "expected NAME=COLUMN, such as strategy=arc") for text in columns if "=" not in text
    ]
    faults += [
        Fault("", "--level", text, "expected NAME:VALUE=LEVEL, such as strategy:1=MSS-CR")
        for text in levels
        if not re.fullmatch(r"[^:]+:[^=]+=.+", text)
    ]
    raise_all(faults)
    meanings: dict[str, dict[str, str]] = {}
    for text in levels:
        name, _, rest = text.partition(":")
        value, _, level = rest.partition("=")
        meanings.setdefault(name, {})[value] = level
    return read_design(study, path, phases[0], dict(text.split("=", 1) for text in columns), meanings, absent)
