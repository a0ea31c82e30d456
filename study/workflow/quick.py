"""`launch --quick`: a trial of every part of a study: a few one-epoch runs on few tracks, in a separate store.

It is an ordinary launch of the study file with overrides (`study.core.overrides`). It needs no design and writes
nothing into the study's own results.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from study.core.errors import Fault, InputFaults, RunFailed, raise_all
from study.core.evaluation_factors import TRAINED
from study.core.paths import Paths
from study.core.plan import tables_of_plan, write_plan
from study.core.progress import Tell, silent
from study.core.reading import read_study
from study.core.run import Run, baseline_runs
from study.core.study_file import Study
from study.core.writing import remove_folder
from study.workflow.extras import needs_train
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import cost_of

if TYPE_CHECKING:
    from jobs.steps import Report
    from jobs.sweep import Progress

FOLDER = "quick"
FEWEST_TRACKS = 48
"""Tracks of the corpus and of each target; doubled while that is too few to learn labels or split targets."""
SEQUENTIAL_RUNS = 12
"""Runs of a sequential phase from which the few are chosen."""


@needs_train()
def launch_quick(
    folder: Path,
    options: LaunchOptions,
    overrides: Sequence[str] = (),
    tell: Tell = silent,
    show: Callable[[Progress, Report], None] = lambda progress, report: None,
) -> None:
    """Try the study in `folder`: prepare, train, represent and evaluate; then say what was tried.

    Raises `InputFaults` for faults of its tables, and RunFailed, after finishing the rest, if a run failed.
    """
    excluded = {"--stop-after": options.stop_after_s, "--until": options.until, "--runs": options.runs or None}
    given = [option for option, value in excluded.items() if value is not None]
    raise_all(Fault("", option, None, "cannot be combined with --quick") for option in given)
    study = read_study(folder, overrides)
    if study.run is not None:
        expected = "is for studies of sound; try a run of the plan with --runs ID"
        raise InputFaults([Fault("", "--quick", None, expected)])
    _begin_anew(Paths(study.store / FOLDER))
    quick, n_tracks = quick_study(folder, study, overrides)
    runs = few_runs(quick)
    write_plan(Paths(quick.store).plan, quick, runs, cost_of(quick))
    tell(f"trial of {study.name} in {quick.store}: {len(runs)} runs, at most {n_tracks} tracks per table")
    failed: RunFailed | None = None
    try:
        launch_study(quick, options, tell, show)
    except RunFailed as error:
        failed = error
    for line in tried(study, quick, runs):
        tell(line)
    if failed:
        raise failed


def quick_study(folder: Path, study: Study, overrides: Sequence[str] = ()) -> tuple[Study, int]:
    """The study of the trial, with its tables of few tracks written to its store, and the most tracks per table.

    `overrides` stay in force, except for the store and the tables.
    """
    from jobs.few_tracks import write_few_tracks
    from jobs.inputs import read_inputs

    raise_all(read_inputs(study).faults)
    paths = Paths(study.store / FOLDER)
    n_tracks, n_before = FEWEST_TRACKS, -1
    while True:
        files, n_rows = write_few_tracks(study, paths.few_tracks, n_tracks)
        places = {"study.store": paths.store, **files}
        own = [f"{key}={json.dumps(str(path))}" for key, path in places.items()]
        quick = read_study(folder, [*_smallest(study), *overrides, *own])
        faults = list(read_inputs(quick).faults)
        if not faults or n_rows == n_before:  # all tracks are in
            raise_all(faults)
            return quick, n_tracks
        n_tracks, n_before = 2 * n_tracks, n_rows


def few_runs(study: Study) -> list[Run]:
    """A few runs that together cover every strategy, source and level of the design."""
    from design.generate import generate
    from design.phases import n_possible, sequential_phases

    sequential = sequential_phases(study)
    planned = generate(study, min(SEQUENTIAL_RUNS, n_possible(sequential)) if sequential else None)
    left = set().union(*map(_parts, planned))
    chosen = []
    while left:
        chosen.append(max(planned, key=lambda run: len(_parts(run) & left)))
        left -= _parts(chosen[-1])
    return chosen


def tried(study: Study, quick: Study, runs: Sequence[Run]) -> list[str]:
    """Lines that say what a trial has covered and what it has not."""
    from jobs.prepared_data import read_prepared

    prepared = read_prepared(quick)
    targets = ", ".join(f"{name} ({target.n_tracks} tracks)" for name, target in prepared.targets.items())
    parts = {
        "strategies": [run.strategy for run in runs],
        "sources": [name for run in runs for name in run.sources],
        "levels": [f"{name} {level}" for run in runs for name, level in run.factors.items()],
        "baselines": [run.strategy for run in baseline_runs(quick)],
    }
    return [
        f"tried: {_counted(len(runs), 'run')}, {_counted(quick.training.epochs, 'epoch')} on {prepared.n_training} "
        f"tracks; targets {targets}",
        *(f"tried: {what} {', '.join(dict.fromkeys(names))}" for what, names in parts.items() if names),
        f"not tried: the other tracks, more epochs, more runs, design and analyze. The scores mean nothing; they are "
        f"in {quick.store}, separate from those of {study.name}, and may be deleted",
    ]


def _smallest(study: Study) -> list[str]:
    """Settings of the shortest training and evaluation."""
    settings: dict[str, object] = {"training.epochs": 1, "baselines.random": min(study.baselines.random, 1)}
    if "epochs" in study.further_factors:
        settings["factors.epochs"] = [1, 2]
    if set(TRAINED) & set(study.evaluation_factors.get("transfer", ())):
        settings["fine_tuning.epochs"] = 1
    for name, target in study.targets.items():
        key, fewest = ("folds", 2) if target.folds else ("repeats", 2 if target.unsplit == "folds" else 1)
        settings[f"targets.{name}.{key}"] = fewest
    return [f"{key}={value}" for key, value in settings.items()]


def _counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _parts(run: Run) -> set[tuple[str, object]]:
    return {("strategy", run.strategy), *(("source", name) for name in run.sources), *run.factors.items()}


def _begin_anew(paths: Paths) -> None:
    """Delete an earlier trial; refuse a store of anything else, which may hold someone's results."""
    if not (paths.runs.exists() or paths.results.exists()):
        return
    tables = tables_of_plan(paths.plan) if paths.plan.is_file() else {}
    if paths.few_tracks not in Path(tables.get("corpus", {}).get("tracks", "")).parents:
        expected = "holds runs that are not from a trial; move them, since --quick needs this folder to itself"
        raise InputFaults([Fault(str(paths.store), "", None, expected)])
    remove_folder(paths.runs)
    remove_folder(paths.results)
