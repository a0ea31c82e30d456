"""`study check`: every fault of the study file and of all that it points to, at once."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.commands.terminal import tell
from study.core.errors import InputFaults


def check(folder: Folder = Path("."), overrides: Overrides = None, as_json: AsJson = False) -> None:
    """List every fault of the study file and of all that it points to, sound included, and what may hurt later."""
    from study.workflow.check import check_folder

    found = check_folder(folder, overrides or ())
    if as_json:
        print(json.dumps(found.as_json(), indent=1))
        raise typer.Exit(2 if found.faults else 0)
    for caution in found.cautions:
        tell(f"warning: {caution}")
    if found.faults:
        raise InputFaults(found.faults, found.list_of_all)
    tell(f"{folder}: no fault in the study file, its tables and its sound")
    if found.cost:
        tell(str(found.cost))
