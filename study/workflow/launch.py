"""Launch: run every planned run that lacks results. To resume, launch again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from study.core.errors import Fault, InputFaults, Interrupted, RunFailed, nearest, raise_all
from study.core.fault_list import listing_faults_in
from study.core.learners import BASE
from study.core.paths import FILE_NAME, Paths
from study.core.plan import read_plan, refuse_other_overrides, write_plan
from study.core.progress import Tell, duration, silent
from study.core.result_index import survey_results
from study.core.run import Run, baseline_runs, counted
from study.core.study_file import Study
from study.core.valid_results import expected_results
from study.core.writing import has_hard_links
from study.workflow.analysis import own_results
from study.workflow.estimates import UNTIMED
from study.workflow.extras import needs_train
from study.workflow.outlook import Outlook
from study.workflow.plan import cost_of, planned_so_far
from study.workflow.prepare import prepare_study
from study.workflow.stopping import enough_when, read_until

if TYPE_CHECKING:
    from jobs.prepared_data import Prepared
    from jobs.steps import Report
    from jobs.sweep import Backend, Progress


@dataclass(frozen=True)
class LaunchOptions:
    """How a launch runs: where, for how long, and which runs of the plan."""

    address: str | None = None
    """A Ray cluster to join (`auto`, `HOST:PORT`, `ray://...`); None starts Ray on this machine."""
    in_process: bool = False
    """Without Ray, one step after another."""
    gpu_share: float | None = None
    stop_after_s: float | None = None
    """Start no training after this time; until then, extend the plan as needed."""
    runs: tuple[str, ...] = ()
    """Run ids; empty: all of the plan and the baselines."""
    mix_versions: bool = False
    until: str | None = None
    """A rule on precision, such as "strategy < 0.1"."""


@needs_train()
def launch_study(
    study: Study,
    options: LaunchOptions = LaunchOptions(),
    tell: Tell = silent,
    show: Callable[[Progress, Report], None] = lambda progress, report: None,
) -> Progress | None:
    """Launch and return the progress; None if nothing was missing. `show` is called after each step.

    Raises RunFailed, after finishing the rest, if a run failed, and Interrupted on Ctrl-C.
    """
    try:
        return _launch(study, options, tell, show)
    except KeyboardInterrupt:  # before the first step: once there are some, `jobs.launch` says how many runs are done
        raise Interrupted("stopped before any run began; prepared data is kept, launch again to resume") from None


def _launch(
    study: Study, options: LaunchOptions, tell: Tell, show: Callable[[Progress, Report], None]
) -> Progress | None:
    if options.in_process:
        _refuse_options_of_ray(options)
    refuse_other_overrides(Paths(study.store).plan, study)
    runs = baseline_runs(study) + read_plan(Paths(study.store).plan, study)
    runs = _chosen(runs, options.runs) if options.runs else runs
    rule = None if options.until is None else read_until(study, options.until)
    _refuse_without_hard_links(study)
    _refuse_functions(study, runs)
    from jobs import launch as story

    with listing_faults_in(Paths(study.store).faults):
        prepared = prepare_study(study, tell)
    survey = survey_results(Paths(study.store), expected_results(study, runs, prepared.target_fingerprints))
    for fault in story.set_invalid_aside(survey):
        tell(str(fault))
    story.refuse_other_data(study, prepared, runs, survey.valid, options.mix_versions)
    lacking = story.missing_targets(study, prepared, runs)
    story.forget_left_over(study, runs, lacking)
    all_runs = counted(len(runs), sum(run.is_baseline for run in runs))
    if options.stop_after_s is None and not lacking:
        tell(f"nothing is missing: {all_runs} are scored on {len(study.targets)} targets")
        return None
    tell(f"{all_runs}: {len(runs) - len(lacking)} done, {len(lacking)} to go")
    results = partial(own_results, study, tell)
    enough = enough_when(study, rule, len(runs), results, options.mix_versions, tell) if rule else lambda n_done: False
    progress = _sweep(study, options, prepared, runs, lacking, enough, tell, show)
    if progress.failed:
        raise RunFailed(
            f"{story.failures_told(progress.failed)}\n{len(progress.failed)} of {progress.n_runs} runs failed; "
            "see runs/ID/attempts for details, and launch again to retry them"
        )
    return progress


def _sweep(
    study: Study,
    options: LaunchOptions,
    prepared: Prepared,
    runs: list[Run],
    lacking: Mapping[Run, tuple[str, ...]],
    enough: Callable[[int], bool],
    tell: Tell,
    show: Callable[[Progress, Report], None],
) -> Progress:
    """Work off what is missing, and what is planned on the way, on the backend asked for."""
    from jobs.launch import launch
    from jobs.sweep import Limits

    plans_on = options.stop_after_s is not None and not options.runs
    backend = _backend(study, options)
    try:
        next_run = partial(_plan_on, study) if plans_on else lambda: None
        outlook = Outlook(study, lacking, backend.slots(), options.stop_after_s, plans_on)
        _say_cost(outlook, len(lacking), options.gpu_share or study.cluster.gpu_share, tell)

        def shown(progress: Progress, report: Report) -> None:
            outlook.look(progress, report)
            show(progress, report)

        return launch(study, prepared, runs, backend, shown, Limits(options.stop_after_s, next_run, enough))
    finally:
        backend.close()


def _refuse_options_of_ray(options: LaunchOptions) -> None:
    given = {"--address": options.address, "--gpu-share": options.gpu_share}
    raise_all(
        Fault("", key, value, "cannot be combined with --in-process")
        for key, value in given.items()
        if value is not None
    )


def _refuse_without_hard_links(study: Study) -> None:
    if not has_hard_links(study.store):
        expected = "its file system has no hard links, by which results are committed; expected a local disk or NFS"
        raise InputFaults([Fault(FILE_NAME, "[study] store", str(study.store), expected)])


def _refuse_functions(study: Study, runs: Sequence[Run]) -> None:
    """Raise `InputFaults` for functions of the user that cannot be loaded or do not fit the study's runs."""
    from jobs.function_step import refuse_unloadable

    refuse_unloadable(study)
    if study.baselines.own or any(study.learner_function(run.factors) != BASE for run in runs if not run.is_baseline):
        from jobs.learning.learners import refuse_learners  # imports torch

        refuse_learners(study, runs)


def _say_cost(outlook: Outlook, n_runs: int, gpu_share: float, tell: Tell) -> None:
    """Say what is left before the first step ends. Probes not timed yet are left out, and the line says so."""
    left, model = outlook.time_left({}), outlook.estimate.model
    if left is None or not left.all_s:
        return
    seconds = left.training_s * gpu_share if model.on_gpu else left.all_s * model.study.compute.threads
    without = "" if left.is_complete else f"; {UNTIMED}"
    tell(
        f"{n_runs} runs left: about {seconds / 3600:.2g} {outlook.estimate.unit} {outlook.estimate.basis}, "
        f"{duration(left.seconds)} to go{without}"
    )


def _plan_on(study: Study) -> Run | None:
    """The best next run after all that is planned, appended to the plan; None when no candidate is left."""
    from design.generate import next_run

    path = Paths(study.store).plan
    kept, failed = planned_so_far(study)
    drawn = next_run(study, kept, failed)
    if drawn is not None:
        write_plan(path, study, [*read_plan(path, study), drawn], cost_of(study))
    return drawn


def _backend(study: Study, options: LaunchOptions) -> Backend:
    if options.in_process:
        from jobs.in_process import InProcess

        return InProcess(study)
    from jobs.ray_backend import RayBackend

    return RayBackend(study, options.address, options.gpu_share)


def _chosen(runs: list[Run], wanted: Sequence[str]) -> list[Run]:
    ids = [run.run_id for run in runs]
    raise_all(
        Fault("", "--runs", run_id, "not a planned run or a baseline of this study", nearest(run_id, ids))
        for run_id in wanted
        if run_id not in ids
    )
    return [run for run in runs if run.run_id in wanted]
