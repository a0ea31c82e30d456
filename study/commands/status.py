"""`study status`: how far a sweep is, read from what is on disk."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import AsJson, Folder, Overrides
from study.commands.terminal import print_drawn

WATCH_S = 5.0


def status(
    folder: Folder = Path("."),
    overrides: Overrides = None,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Refresh every 5 seconds until all runs are done.")] = False,
) -> None:
    """Show how many runs are done, running or failed, the hours spent and left, and the time to go."""
    from study.core.reading import read_study
    from study.display.status import draw_status
    from study.workflow.status import study_status

    study = read_study(folder, overrides or ())
    while True:
        progress = study_status(study)
        if as_json:
            print(json.dumps(progress, indent=1), flush=True)
        else:
            print_drawn(progress, draw_status)
        if not watch or progress["done"] == progress["planned"]:
            return
        time.sleep(WATCH_S)
