"""Demo: a whole study on synthetic music, from its design to its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from study.core.paths import FILE_NAME
from study.core.progress import Tell, silent
from study.core.reading import read_study
from study.workflow.analysis import analyze_study, report_folder
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.new import new_study
from study.workflow.plan import design_study

if TYPE_CHECKING:
    from analysis.analyze import Analysis
    from jobs.steps import Report
    from jobs.sweep import Progress

DEMO_BUDGET = "12"
"""Runs of the sequential phase; 25 in all with those on single sources and on all sources."""
DEMO_BOOTSTRAP = 1000


def run_demo(
    folder: Path,
    in_process: bool = False,
    seed: int | None = None,
    overrides: Sequence[str] = (),
    tell: Tell = silent,
    show: Callable[[Progress, Report], None] = lambda progress, report: None,
    stage: Tell = silent,
) -> tuple[Analysis, Path]:
    """Compose music, then design, launch and analyse a small study of it. Run again, it resumes where it stopped.

    Returns the analysis and the page of its report.
    """
    stage("new")
    if not (folder / FILE_NAME).exists():
        new_study(folder, "demo", seed, tell)
    study = read_study(folder, overrides)
    stage("design")
    design_study(study, DEMO_BUDGET, replace=True, retry_failed=True)
    stage("launch")
    launch_study(study, LaunchOptions(in_process=in_process), tell, show)
    stage("analyze")
    analysis = analyze_study(study, tell=tell, bootstrap=DEMO_BOOTSTRAP)
    return analysis, analysis.write_report(report_folder(folder, overrides))
