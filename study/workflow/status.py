"""Status: the progress of a sweep, read from disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from study.core.durations import Slots, Work
from study.core.run import Run
from study.core.run_works import WHOLE, Step
from study.core.study_file import Study
from study.workflow.estimates import Records, estimate_from, runs_on_gpu, slots_here, steps_left, time_left
from study.workflow.states import read_sweep
from study.workflow.store_sizes import store_sizes


def study_status(study: Study) -> dict[str, Any]:
    """Runs (baselines included) by state, and hours; `training_hours_*` count training on any device.

    `gpu_hours_*` count training on GPUs; `cpu_hours_*` count all steps if there is no GPU. The other kind is None.
    What is left is estimated (`study.workflow.estimates`). `estimate_is_complete` is false while some target has no
    finished evaluation; its time is then left out.
    `store_bytes`: what the store holds (`study.workflow.store_sizes`).
    `unverified`: valid results that were written before results had digests.
    `other_version`: results of runs outside the plan, or on earlier definitions of targets.
    """
    sweep = read_sweep(study)
    states = Counter(run.state for run in sweep.runs)
    causes = Counter(run.failure.cause for run in sweep.runs if run.failure is not None)
    records = {run.run: (run.trained, list(run.attempts)) for run in sweep.runs}
    missing = {run.run: run.missing for run in sweep.runs}
    return {
        "study": study.name,
        "planned": len(sweep.runs),
        "baselines": sum(run.run.is_baseline for run in sweep.runs),
        "done": states["done"],
        "running": states["running"],
        "waiting": states["waiting"],
        "failed": states["failed"],
        "failed_by_cause": dict(causes),
        "scores_done": sum(len(run.results) for run in sweep.runs),
        "scores_planned": len(sweep.runs) * len(study.targets),
        **_spent_and_left(study, records, missing),
        "store_bytes": store_sizes(study),
        "unverified": sorted({f"{item.run_id}/{item.target}" for item in sweep.unverified}),
        "other_version": sorted({f"{item.run_id}/{item.target}" for item in sweep.other_version}),
    }


def _spent_and_left(study: Study, records: Records, missing: Mapping[Run, Sequence[str]]) -> dict[str, Any]:
    """Hours so far and the estimated hours to come; `missing` has the targets that each run lacks."""
    from jobs.records import seconds_since

    on_gpu = bool(runs_on_gpu(study, records))
    estimate = estimate_from(study, records, on_gpu)
    steps: dict[Step, list[Work]] = {}
    elapsed_s: dict[Step, float] = {}
    for run, (trained, attempts) in records.items():
        steps |= steps_left(estimate.model, run, missing[run], trained is not None)
        for attempt in attempts:
            if attempt.is_running:
                step = attempt.kind, run.run_id, () if attempt.kind in WHOLE else attempt.targets
                elapsed_s[step] = seconds_since(attempt.started_at)
    to_go = time_left(estimate, steps, elapsed_s, _slots(study, elapsed_s))
    trainings = [trained for trained, _ in records.values() if trained is not None]
    spent_h = sum(trained.train_seconds for trained in trainings) / 3600
    gpu_h = sum(trained.train_seconds for trained in trainings if trained.device != "cpu") / 3600
    all_h = sum(attempt.seconds or 0.0 for _, attempts in records.values() for attempt in attempts) / 3600
    gpu_share, threads = study.cluster.gpu_share, study.compute.threads
    return {
        "training_hours_spent": spent_h,
        "training_hours_left": to_go.training_s / 3600 if to_go else None,
        "gpu_hours_spent": gpu_h * gpu_share,
        "gpu_hours_left": to_go.training_s * gpu_share / 3600 if to_go and on_gpu else None,
        "cpu_hours_spent": None if on_gpu else all_h * threads,
        "cpu_hours_left": to_go.all_s * threads / 3600 if to_go and not on_gpu else None,
        "seconds_to_go": to_go.seconds if to_go else None,
        "estimate_is_complete": to_go is not None and to_go.is_complete,
        "cost_basis": estimate.basis,
    }


def _slots(study: Study, elapsed_s: Mapping[Step, float]) -> Slots:
    """As many steps at a time as are running now or, if none is, as a launch on this machine would run."""
    running = len(elapsed_s)
    return Slots(running, running) if running else slots_here(study)
