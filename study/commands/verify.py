"""`study verify`: what of the store is damaged or no longer fits its inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.commands.terminal import print_drawn


def verify(
    folder: Folder = Path("."),
    deep: Annotated[
        bool, typer.Option("--deep", help="Read all sound and tables, even those that seem unchanged.")
    ] = False,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """List every file of the store that is damaged or no longer fits its inputs, and what makes it again."""
    from study.core.reading import read_study
    from study.display.verify import draw_verify
    from study.workflow.verify import is_sound, verify_study

    facts = verify_study(read_study(folder, overrides or ()), deep)
    if as_json:
        print(json.dumps(facts, indent=1), flush=True)
    else:
        print_drawn(facts, draw_verify)
    if not is_sound(facts):
        raise typer.Exit(1)
