"""`study launch`: run every planned run that lacks results. To resume, launch again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import Address, Folder, InProcessFlag, Overrides
from study.commands.sweep_progress import progress_shown
from study.commands.terminal import tell
from study.core.errors import Fault, InputFaults

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def launch(
    folder: Folder = Path("."),
    address: Address = None,
    in_process: InProcessFlag = False,
    gpu_share: Annotated[
        float | None, typer.Option(min=0.001, max=1.0, help="Fraction of a GPU that a training holds.")
    ] = None,
    stop_after: Annotated[
        str | None,
        typer.Option(metavar="2h", help="Start no training after this long. Until then, extend the plan as needed."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar='"strategy < 0.1"', help="Start no training once the 95 % intervals meet this limit."),
    ] = None,
    runs: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Launch only the run with this id; may be repeated.")
    ] = None,
    mix_versions: Annotated[
        bool, typer.Option("--mix-versions", help="Keep runs that another version of this program trained or scored.")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Trial of every part: a few one-epoch runs on few tracks, in a separate store."),
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Train and evaluate every planned run that lacks results, on Ray. To resume, launch again."""
    from study.core.reading import read_study
    from study.workflow.launch import LaunchOptions, launch_study
    from study.workflow.quick import launch_quick

    only = tuple(run_id for text in runs or () for run_id in text.split(",") if run_id)
    stop_after_s = None if stop_after is None else _seconds(stop_after)
    options = LaunchOptions(address, in_process, gpu_share, stop_after_s, only, mix_versions, until)
    with progress_shown() as show:
        if quick:
            launch_quick(folder, options, overrides or (), tell, show)
            return
        progress = launch_study(read_study(folder, overrides or ()), options, tell, show)
    if progress is not None:
        left = progress.n_runs - progress.runs_done
        tell(
            f"{progress.runs_done} of {progress.n_runs} runs done"
            + (f", {left} left for another launch" if left else "")
        )


def _seconds(text: str) -> float:
    """ "90s", "30m", "2h", "1.5d" in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is None:
        raise InputFaults([Fault("", "--stop-after", text, "expected a time such as 90s, 30m, 2h or 5d")])
    return float(match.group(1)) * UNITS_S[match.group(2)]
