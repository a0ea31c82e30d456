"""`study check`: every fault of the study file and of all that it points to, at once."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from study.commands.arguments import AsJson, Folder
from study.commands.terminal import tell
from study.core.errors import InputFaults
from study.core.reading import read_study
from study.workflow.check import check_folder, cost_of_a_run, proposals_for


def check(folder: Folder = Path("."), as_json: AsJson = False) -> None:
    """Read the study file and everything that it points to, sound included, and list every fault."""
    faults = check_folder(folder)
    notes = [] if faults else proposals_for(folder)
    if as_json:
        shown = [
            {"file": fault.file, "key": fault.key, "value": None if fault.value is None else str(fault.value),
             "expected": fault.expected, "nearest": fault.nearest}
            for fault in faults
        ]  # fmt: skip
        cost = None if faults else cost_of_a_run(read_study(folder))
        print(json.dumps({"ok": not faults, "faults": shown, "proposals": notes, "cost": cost}, indent=1))
        raise typer.Exit(2 if faults else 0)
    if faults:
        raise InputFaults(faults)
    for note in notes:
        tell(note)
    tell(f"{folder}: no fault in the study file, its tables and its sound")
    if cost := cost_of_a_run(read_study(folder)):
        note = f" ({cost['note']})" if cost["note"] else ""
        tell(f"a run takes about {cost['least']:.2g} to {cost['most']:.2g} {cost['unit']} {cost['basis']}{note}")
