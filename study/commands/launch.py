"""`study launch`: run what the plan holds and the results lack. To resume is to launch again."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.commands.analyze import own_results
from study.commands.arguments import Address, Folder, InProcessFlag
from study.commands.design import cost_of, planned_so_far
from study.commands.terminal import duration, tell
from study.commands.until import enough_when, read_until
from study.errors import Fault, InputFaults, RunFailed, nearest, raise_all
from study.paths import Paths
from study.plan import read_plan, write_plan
from study.reading import read_study
from study.run import Run, baseline_runs
from study.study_file import Study

if TYPE_CHECKING:
    from jobs.launch import Backend, Progress
    from jobs.steps import Report

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
) -> None:
    """Run what the plan holds and the results lack, on Ray; to resume is to launch again."""
    study = read_study(folder)
    launch_study(study, address, in_process, gpu_share, stop_after, runs, mix_versions, until)


def launch_study(
    study: Study,
    address: str | None = None,
    in_process: bool = False,
    gpu_share: float | None = None,
    stop_after: str | None = None,
    only: list[str] | None = None,
    mix_versions: bool = False,
    until: str | None = None,
) -> None:
    """Raises RunFailed, once the rest is done, if a run failed."""
    if in_process:
        given = {"--address": address, "--gpu-share": gpu_share}
        raise_all(
            Fault("", key, value, "not together with --in-process") for key, value in given.items() if value is not None
        )
    stop_after_s = None if stop_after is None else _seconds(stop_after)
    runs = baseline_runs(study) + read_plan(Paths(study.store).plan, study)
    runs = _chosen(runs, only) if only else runs
    rule = None if until is None else read_until(study, until)
    from jobs import launch as story
    from jobs.prepare import prepare

    prepared = prepare(study, tell)
    for fault in story.set_invalid_aside(study):
        tell(str(fault))
    story.refuse_other_data(study, prepared, runs, mix_versions)
    story.forget_left_over(study, prepared, runs)
    plan_on = partial(_plan_on, study) if stop_after is not None and not only else lambda: None
    if stop_after is None and not story.missing_targets(study, prepared, runs):
        tell(f"nothing is missing: {len(runs)} runs have their scores on {len(study.targets)} targets")
        return
    enough = (
        enough_when(study, rule, len(runs), partial(own_results, study), mix_versions) if rule else lambda n_done: False
    )
    backend = _backend(study, address, in_process, gpu_share)
    try:
        with _progress_shown() as show:
            progress = story.launch(study, prepared, runs, backend, show, stop_after_s, plan_on, enough)
    finally:
        backend.close()
    if progress.failed:
        raise RunFailed(
            f"{story.failures_told(progress.failed)}\n{len(progress.failed)} of {progress.n_runs} runs failed; "
            "runs/ID/attempts says more, and launching again tries them again"
        )
    left = progress.n_runs - progress.runs_done
    tell(f"{progress.runs_done} runs done" + (f", {left} left for another launch" if left else ""))


def _plan_on(study: Study) -> Run | None:
    """The best next run after all that is planned, appended to the plan; None when no candidate is left."""
    from design.generate import next_run

    path = Paths(study.store).plan
    kept, failed = planned_so_far(study)
    drawn = next_run(study, kept, failed)
    if drawn is not None:
        write_plan(path, study, [*read_plan(path, study), drawn], cost_of(study))
    return drawn


def _backend(study: Study, address: str | None, in_process: bool, gpu_share: float | None) -> Backend:
    if in_process:
        from jobs.in_process import InProcess

        return InProcess(study)
    from jobs.ray_backend import RayBackend

    return RayBackend(study, address, gpu_share)


@contextmanager
def _progress_shown() -> Iterator[Callable[[Progress, Report], None]]:
    """A bar on a terminal, a line for each step that ends elsewhere; failures are told at once on both."""
    if not sys.stderr.isatty():
        yield lambda progress, report: tell(_line(progress, report))
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        scores = bar.add_task("scores", total=None)

        def show(progress: Progress, report: Report) -> None:
            if report.failure is not None:
                bar.console.print(_line(progress, report), markup=False)
            bar.update(scores, total=progress.n_evaluations, completed=progress.evaluations_done,
                       description=f"{progress.runs_done}/{progress.n_runs} runs, scores")  # fmt: skip

        yield show


def _line(progress: Progress, report: Report) -> str:
    run = report.step.run
    what = f"{run.strategy} {'+'.join(run.sources)}".strip()
    if report.failure is not None:
        return f"failed ({report.failure.cause}): {report.step.kind} {run.run_id} {what}: {report.failure.message}"
    elapsed_s = time.monotonic() - progress.started_at
    done, total = progress.evaluations_done, progress.n_evaluations
    to_go = f", {duration(elapsed_s / done * (total - done))} to go" if done else ""
    without_score = {"learn": "learned", "fine-tune": "fine-tuned", "evaluate": "no score"}
    if report.scores is None:
        result = "scored by another launch"
    else:
        result = " ".join(f"{name} {value:.3f}" for name, value in report.scores) or without_score[report.step.kind]
    return f"[{progress.runs_done}/{progress.n_runs} runs, {done}/{total} scores{to_go}] {what}: {result}"


def _chosen(runs: list[Run], only: list[str]) -> list[Run]:
    ids = [run.run_id for run in runs]
    wanted = [part for text in only for part in text.split(",") if part]
    raise_all(
        Fault("", "--runs", run_id, "not a planned run or a baseline of this study", nearest(run_id, ids))
        for run_id in wanted if run_id not in ids
    )  # fmt: skip
    return [run for run in runs if run.run_id in wanted]


def _seconds(text: str) -> float:
    """ "90s", "30m", "2h", "1.5d" in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if found is None:
        raise InputFaults([Fault("", "--stop-after", text, "expected a time such as 90s, 30m, 2h or 5d")])
    return float(found.group(1)) * UNITS_S[found.group(2)]
