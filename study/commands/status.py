"""`study status`: how far a sweep is, read from what is on disk."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from study.commands.arguments import AsJson, Folder
from study.commands.terminal import duration
from study.core.reading import read_study
from study.core.study_file import Study
from study.workflow.estimates import UNTIMED
from study.workflow.status import study_status

WATCH_S = 5.0


def status(
    folder: Folder = Path("."),
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 5 seconds until all is done.")] = False,
) -> None:
    """Planned, done, running, failed by cause, hours spent and left, time to go."""
    study = read_study(folder)
    while True:
        found = study_status(study)
        print(json.dumps(found, indent=1) if as_json else _as_text(study, found), flush=True)
        if not watch or found["done"] == found["planned"]:
            return
        time.sleep(WATCH_S)


def _as_text(study: Study, found: dict[str, Any]) -> str:
    lines = [
        f"{study.name}: {found['done']} of {found['planned']} runs done, {found['running']} running, "
        f"{found['waiting']} waiting, {found['failed']} failed",
        f"scores: {found['scores_done']} of {found['scores_planned']} (runs x targets)",
    ]
    lines += [f"failed ({cause}): {count} runs" for cause, count in found["failed_by_cause"].items()]
    kind = "gpu" if found["cpu_hours_spent"] is None else "cpu"
    spent, left = found[f"{kind}_hours_spent"], found[f"{kind}_hours_left"]
    unit = "GPU-hours of training" if kind == "gpu" else "CPU-hours"
    hours = f"{unit}: {spent:.2g} spent"
    if left:
        hours += f", about {left:.2g} left {found['cost_basis']}"
    lines.append(hours)
    if found["seconds_to_go"]:
        without = "" if found["estimate_is_complete"] else f"; {UNTIMED}"
        lines.append(f"about {duration(found['seconds_to_go'])} to go{without}")
    if found["other_version"]:
        lines.append(f"{len(found['other_version'])} results are of another version of the study file or its targets")
    return "\n".join(lines)
