"""A sweep's progress: a bar on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from study.commands.terminal import tell
from study.core.progress import duration

if TYPE_CHECKING:
    from jobs.steps import Report
    from jobs.sweep import Progress
    from study.core.run import Run


@contextmanager
def progress_shown() -> Iterator[Callable[[Progress, Report], None]]:
    """A bar on a terminal; elsewhere a line for each step that ends. Both report failures at once."""
    if not sys.stderr.isatty():
        yield lambda progress, report: tell(line(progress, report))
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    from study.display.consoles import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[to_go]}"))
    with Bar(*columns, console=console(sys.stderr)) as bar:
        scores = bar.add_task("scores", total=None, to_go="")

        def show(progress: Progress, report: Report) -> None:
            if report.failure is not None:
                bar.console.print(line(progress, report), markup=False)
            bar.update(
                scores,
                to_go=_to_go(progress),
                total=progress.n_evaluations,
                completed=progress.evaluations_done,
                description=f"{progress.runs_done}/{progress.n_runs} runs, scores",
            )

        yield show


def line(progress: Progress, report: Report) -> str:
    """A step that ended: the progress of the launch, then the run, then its scores or why it failed."""
    run = described(report.step.run)
    if report.failure is not None:
        return f"failed ({report.failure.cause}): {report.step.kind} {run}: {report.failure.message}"
    done, total = progress.evaluations_done, progress.n_evaluations
    to_go = f", {_to_go(progress)}" if _to_go(progress) else ""
    without_score = {"learn": "learned", "fine-tune": "fine-tuned", "evaluate": "no score"}
    if report.scores is None:
        result = "scored by another launch"
    else:
        result = " ".join(f"{name} {value:.3f}" for name, value in report.scores) or without_score[report.step.kind]
    return f"[{progress.runs_done}/{progress.n_runs} runs, {done}/{total} scores{to_go}] {run}: {result}"


def described(run: Run) -> str:
    """A run's id, strategy, sources and factors: "6d1c0a2f9b3e4d55 MS-CR@4 self+tag width=0.25"."""
    factors = (f"{name}={level}" for name, level in run.factors.items())
    return " ".join(filter(None, (run.run_id, run.strategy, "+".join(run.sources), *factors)))


def _to_go(progress: Progress) -> str:
    return "" if progress.seconds_to_go is None else f"{duration(progress.seconds_to_go)} to go"
