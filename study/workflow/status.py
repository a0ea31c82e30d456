"""Status: how far a sweep is, read from what is on disk."""

from __future__ import annotations

from collections import Counter
from typing import Any

from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.results import invalid_results, stored_results
from study.core.run import baseline_runs
from study.core.study_file import Study


def study_status(study: Study) -> dict[str, Any]:
    """Runs (baselines included) by state; `*_hours` are of training, on whatever device trained.

    `other_version`: results of runs that the plan does not hold, or of targets as they were defined before.
    """
    from jobs.prepared_data import read_prepared
    from jobs.records import last_failure, read_attempts, read_trained
    from study.core.cost import run_steps

    paths = Paths(study.store)
    runs = baseline_runs(study) + read_plan(paths.plan, study)
    invalid = invalid_results(paths)
    stored = [item for item in stored_results(paths) if item.path not in invalid]
    try:
        prepared = read_prepared(study)
    except InputFaults:
        prepared = None
    made = prepared.targets if prepared else {}
    wanted = {(name, made[name].fingerprint) for name in study.targets if name in made}
    done_targets = Counter(item.run_id for item in stored if (item.target, item.fingerprint) in wanted)
    planned_ids = {run.run_id for run in runs}
    other = [item for item in stored if item.run_id not in planned_ids or (item.target, item.fingerprint) not in wanted]

    states: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    spent_s, spent_steps, left_steps, gpu_s, parallel = 0.0, 0, 0, 0.0, 0
    for run in runs:
        trained = read_trained(paths, run.run_id)
        steps = run_steps(study, run, prepared.n_training) if prepared else 0
        if trained is not None:
            spent_s, spent_steps = spent_s + trained.train_seconds, spent_steps + trained.train_steps
            gpu_s += trained.train_seconds if trained.device != "cpu" else 0.0
        else:
            left_steps += steps
        attempts = read_attempts(paths, run.run_id)
        failure = last_failure(attempts)
        if wanted and done_targets[run.run_id] == len(study.targets):
            states["done"] += 1
        elif any(attempt.is_running for attempt in attempts):
            states["running"] += 1
            parallel += 1
        elif failure is not None:
            states["failed"] += 1
            causes[failure.cause] += 1
        else:
            states["waiting"] += 1
    left_s = spent_s / spent_steps * left_steps if spent_steps else None
    gpu_share = study.cluster.gpu_share
    return {
        "study": study.name, "planned": len(runs), "baselines": sum(run.is_baseline for run in runs),
        "done": states["done"], "running": states["running"], "waiting": states["waiting"],
        "failed": states["failed"], "failed_by_cause": dict(causes),
        "scores_done": sum(min(done_targets[run.run_id], len(study.targets)) for run in runs),
        "scores_planned": len(runs) * len(study.targets),
        "training_hours_spent": spent_s / 3600, "training_hours_left": None if left_s is None else left_s / 3600,
        "gpu_hours_spent": gpu_s * gpu_share / 3600,
        "gpu_hours_left": None if left_s is None or not gpu_s else left_s * gpu_share / 3600,
        "seconds_to_go": None if left_s is None else left_s / max(parallel, 1),
        "other_version": sorted({f"{item.run_id}/{item.target}" for item in other}),
    }  # fmt: skip
