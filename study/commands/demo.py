"""`study demo`: the whole study on the demo template, from its music to its report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import InProcessFlag, Overrides, study_folder
from study.commands.sweep_progress import progress_shown
from study.commands.terminal import tell
from study.core.progress import duration


def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where the demo's study goes.", callback=study_folder)
    ] = Path("demo"),
    in_process: InProcessFlag = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, other music.")] = None,
    overrides: Overrides = None,
) -> None:
    """Make music, design, launch and analyze a small study on it; started again, it goes on where it stopped."""
    from study.workflow.demo import run_demo

    began = time.monotonic()

    def stage(name: str) -> None:
        tell(f"== {name} ({duration(time.monotonic() - began)})")

    with progress_shown() as show:
        analysis, page = run_demo(folder, in_process, seed, overrides or (), tell, show, stage)
    for sentence in analysis.findings:
        tell(sentence)
    stage("done")
    print(f"the report is {page.resolve()}")
