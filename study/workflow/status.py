"""Status: how far a sweep is, read from what is on disk."""

from __future__ import annotations

from collections import Counter
from typing import Any

from study.core.study_file import Study
from study.workflow.states import read_sweep


def study_status(study: Study) -> dict[str, Any]:
    """Runs (baselines included) by state; `*_hours` are of training, on whatever device trained.

    `other_version`: results of runs that the plan does not hold, or of targets as they were defined before.
    """
    from study.core.cost import run_steps

    sweep = read_sweep(study)
    states = Counter(run.state for run in sweep.runs)
    causes = Counter(run.failure.cause for run in sweep.runs if run.failure is not None)
    spent_s, spent_steps, left_steps, gpu_s = 0.0, 0, 0, 0.0
    for run in sweep.runs:
        if run.trained is not None:
            spent_s, spent_steps = spent_s + run.trained.train_seconds, spent_steps + run.trained.train_steps
            gpu_s += run.trained.train_seconds if run.trained.device != "cpu" else 0.0
        elif sweep.prepared:
            left_steps += run_steps(study, run.run, sweep.prepared.n_training)
    left_s = spent_s / spent_steps * left_steps if spent_steps else None
    gpu_share = study.cluster.gpu_share
    return {
        "study": study.name, "planned": len(sweep.runs), "done": states["done"], "running": states["running"],
        "failed": states["failed"], "failed_by_cause": dict(causes), "waiting": states["waiting"],
        "scores_done": sum(len(run.results) for run in sweep.runs),
        "scores_planned": len(sweep.runs) * len(study.targets),
        "training_hours_spent": spent_s / 3600, "training_hours_left": None if left_s is None else left_s / 3600,
        "gpu_hours_spent": gpu_s * gpu_share / 3600,
        "gpu_hours_left": None if left_s is None or not gpu_s else left_s * gpu_share / 3600,
        "seconds_to_go": None if left_s is None else left_s / max(states["running"], 1),
        "other_version": sorted({f"{item.run_id}/{item.target}" for item in sweep.other_version}),
    }  # fmt: skip
