"""`study check`: every fault of the study file, its tables and its sound, at once."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.commands.terminal import tell
from study.core.errors import InputFaults


def check(folder: Folder = Path("."), overrides: Overrides = None, as_json: AsJson = False) -> None:
    """List every fault in the study file, its tables and its sound, and warn of likely trouble later."""
    from study.workflow.check import check_folder

    checked = check_folder(folder, overrides or ())
    if as_json:
        print(json.dumps(checked.as_json(), indent=1))
        raise typer.Exit(2 if checked.faults else 0)
    for extension in checked.extensions:
        tell(f"installed: {extension}")
    for caution in checked.cautions:
        tell(f"warning: {caution}")
    if checked.faults:
        raise InputFaults(checked.faults, checked.list_of_all)
    for proposal in checked.proposals:
        tell(proposal)
    tell(f"{folder}: no faults in the study file, its tables or its sound")
    if checked.cost:
        tell(str(checked.cost))
