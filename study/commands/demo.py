"""`study demo`: the whole study on the demo template, from its music to its report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from study.commands.analyze import analyze_study
from study.commands.arguments import InProcessFlag
from study.commands.design import design_study
from study.commands.launch import launch_study
from study.commands.new import new
from study.commands.terminal import duration, tell
from study.reading import read_study
from study.study_file import FILE_NAME

DEMO_BUDGET = "11"
"""Runs of the sequential phase: 24 in all with the single sources and the strategies on all of them."""
DEMO_BOOTSTRAP = 1000


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where the demo's study goes.")] = Path("demo"),
    in_process: InProcessFlag = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, other music.")] = None,
) -> None:
    """Make music, design, launch and analyze a small study on it; started again, it goes on where it stopped."""
    began = time.monotonic()

    def stage(name: str) -> None:
        tell(f"== {name} ({duration(time.monotonic() - began)})")

    stage("new")
    if not (folder / FILE_NAME).exists():
        new(folder, template="demo", seed=seed)
    study = read_study(folder)
    stage("design")
    design_study(study, DEMO_BUDGET)
    stage("launch")
    launch_study(study, in_process=in_process)
    stage("analyze")
    report = analyze_study(study, bootstrap=DEMO_BOOTSTRAP)
    stage("done")
    print(f"the report is {report.resolve()}")
