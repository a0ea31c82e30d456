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
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 5 seconds until all is done.")] = False,
) -> None:
    """Planned, done, running, failed by cause, hours spent and left, time to go."""
    from study.core.reading import read_study
    from study.display.status import draw_status
    from study.workflow.status import study_status

    study = read_study(folder, overrides or ())
    while True:
        found = study_status(study)
        if as_json:
            print(json.dumps(found, indent=1), flush=True)
        else:
            print_drawn(found, draw_status)
        if not watch or found["done"] == found["planned"]:
            return
        time.sleep(WATCH_S)
