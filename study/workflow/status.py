"""Status: how far a sweep is, read from what is on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from study.core.durations import Slots, Work
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.results import invalid_results, stored_results
from study.core.run import Run, baseline_runs
from study.core.run_works import Step
from study.core.study_file import Study
from study.workflow.estimates import (
    Records,
    estimate_from,
    read_records,
    runs_on_gpu,
    slots_here,
    steps_left,
    time_left,
)


def study_status(study: Study) -> dict[str, Any]:
    """Runs (baselines included) by state; `training_hours_*` are of training, on whatever device trained.

    `gpu_hours_*` are of training on GPUs, `cpu_hours_*` of all steps where there is no GPU; None of the other kind.
    What is left is estimated (`study.workflow.estimates`); `estimate_is_complete` is false while no evaluation of some
    target has finished, whose time is then left out.
    `other_version`: results of runs that the plan does not hold, or of targets as they were defined before.
    """
    from jobs.prepared_data import read_prepared
    from jobs.records import last_failure

    paths = Paths(study.store)
    records = read_records(study, baseline_runs(study) + read_plan(paths.plan, study))
    invalid = invalid_results(paths)
    stored = [item for item in stored_results(paths) if item.path not in invalid]
    try:
        made = read_prepared(study).targets
    except InputFaults:
        made = {}
    wanted = {(name, made[name].fingerprint) for name in study.targets if name in made}
    done = {(item.run_id, item.target) for item in stored if (item.target, item.fingerprint) in wanted}
    planned_ids = {run.run_id for run in records}
    other = [item for item in stored if item.run_id not in planned_ids or (item.target, item.fingerprint) not in wanted]
    missing = {run: [name for name in study.targets if (run.run_id, name) not in done] for run in records}

    states: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    for run, (_, attempts) in records.items():
        failure = last_failure(attempts)
        if not missing[run]:
            states["done"] += 1
        elif any(attempt.is_running for attempt in attempts):
            states["running"] += 1
        elif failure is not None:
            states["failed"] += 1
            causes[failure.cause] += 1
        else:
            states["waiting"] += 1
    return {
        "study": study.name, "planned": len(records), "done": states["done"], "running": states["running"],
        "failed": states["failed"], "failed_by_cause": dict(causes), "waiting": states["waiting"],
        "scores_done": sum(len(study.targets) - len(of) for of in missing.values()),
        "scores_planned": len(records) * len(study.targets),
        **_spent_and_left(study, records, missing),
        "other_version": sorted({f"{item.run_id}/{item.target}" for item in other}),
    }  # fmt: skip


def _spent_and_left(study: Study, records: Records, missing: Mapping[Run, Sequence[str]]) -> dict[str, Any]:
    """Hours so far, and by the estimate those to come; `missing` has the targets that each run lacks."""
    from jobs.records import seconds_since

    on_gpu = bool(runs_on_gpu(study, records))
    estimate = estimate_from(study, records, on_gpu)
    steps: dict[Step, list[Work]] = {}
    elapsed_s: dict[Step, float] = {}
    for run, (trained, attempts) in records.items():
        steps |= steps_left(estimate.model, run, missing[run], trained is not None)
        for attempt in attempts:
            if attempt.is_running:
                step = attempt.kind, run.run_id, () if attempt.kind == "learn" else attempt.targets
                elapsed_s[step] = seconds_since(attempt.started_at)
    to_go = time_left(estimate, steps, elapsed_s, _slots(study, elapsed_s))
    trainings = [trained for trained, _ in records.values() if trained is not None]
    spent_h = sum(trained.train_seconds for trained in trainings) / 3600
    gpu_h = sum(trained.train_seconds for trained in trainings if trained.device != "cpu") / 3600
    all_h = sum(attempt.seconds or 0.0 for _, attempts in records.values() for attempt in attempts) / 3600
    gpu_share, threads = study.cluster.gpu_share, study.compute.threads
    return {
        "training_hours_spent": spent_h, "training_hours_left": to_go.training_s / 3600 if to_go else None,
        "gpu_hours_spent": gpu_h * gpu_share,
        "gpu_hours_left": to_go.training_s * gpu_share / 3600 if to_go and on_gpu else None,
        "cpu_hours_spent": None if on_gpu else all_h * threads,
        "cpu_hours_left": to_go.all_s * threads / 3600 if to_go and not on_gpu else None,
        "seconds_to_go": to_go.seconds if to_go else None,
        "estimate_is_complete": to_go is not None and to_go.is_complete, "cost_basis": estimate.basis,
    }  # fmt: skip


def _slots(study: Study, elapsed_s: Mapping[Step, float]) -> Slots:
    """As many steps at a time as run now; where none does, as a launch on this machine would run."""
    running = len(elapsed_s)
    return Slots(running, running) if running else slots_here(study)
