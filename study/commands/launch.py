"""`study launch`: run what the plan holds and the results lack. To resume is to launch again."""

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
        float | None, typer.Option(min=0.001, max=1.0, help="Part of a GPU that a training holds.")
    ] = None,
    stop_after: Annotated[
        str | None,
        typer.Option(metavar="2h", help="Begin no training after this long; until then plan on beyond the plan."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar='"strategy < 0.1"', help="Begin no training once these 95 % intervals are so narrow."),
    ] = None,
    runs: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only these runs; may be repeated.")] = None,
    mix_versions: Annotated[
        bool, typer.Option("--mix-versions", help="Go on with runs that a version with other scores trained.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Try all parts: few runs of one epoch on few tracks, in a store of its own.")
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Run what the plan holds and the results lack, on Ray; to resume is to launch again."""
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
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if found is None:
        raise InputFaults([Fault("", "--stop-after", text, "expected a time such as 90s, 30m, 2h or 5d")])
    return float(found.group(1)) * UNITS_S[found.group(2)]
