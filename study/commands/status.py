"""`study status`: how far a sweep is, read from what is on disk."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from study.commands.arguments import AsJson, Folder
from study.commands.terminal import duration
from study.errors import InputFaults
from study.paths import Paths
from study.plan import read_plan
from study.reading import read_study
from study.result_store import invalid_results, stored_results
from study.run import baseline_runs
from study.study_file import Study

WATCH_S = 5.0


def status(
    folder: Folder = Path("."),
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 5 seconds until all is done.")] = False,
) -> None:
    """Planned, done, running, failed by cause, hours spent and left, time to go."""
    study = read_study(folder)
    while True:
        found = study_status(study)
        print(json.dumps(found, indent=1) if as_json else _as_text(study, found), flush=True)
        if not watch or found["done"] == found["planned"]:
            return
        time.sleep(WATCH_S)


def study_status(study: Study) -> dict[str, Any]:
    """Runs (baselines included) by state; `*_hours` are of training, on whatever device trained.

    `other_version`: results of runs that the plan does not hold, or of targets as they were defined before.
    """
    from jobs.prepared import read_prepared
    from jobs.records import last_failure, read_attempts, read_trained
    from study.cost import run_steps

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
        "study": study.name, "planned": len(runs), "done": states["done"], "running": states["running"],
        "failed": states["failed"], "failed_by_cause": dict(causes), "waiting": states["waiting"],
        "scores_done": sum(min(done_targets[run.run_id], len(study.targets)) for run in runs),
        "scores_planned": len(runs) * len(study.targets),
        "training_hours_spent": spent_s / 3600, "training_hours_left": None if left_s is None else left_s / 3600,
        "gpu_hours_spent": gpu_s * gpu_share / 3600,
        "gpu_hours_left": None if left_s is None or not gpu_s else left_s * gpu_share / 3600,
        "seconds_to_go": None if left_s is None else left_s / max(parallel, 1),
        "other_version": sorted({f"{item.run_id}/{item.target}" for item in other}),
    }  # fmt: skip


def _as_text(study: Study, found: dict[str, Any]) -> str:
    lines = [
        f"{study.name}: {found['done']} of {found['planned']} runs done, {found['running']} running, "
        f"{found['waiting']} waiting, {found['failed']} failed",
        f"scores: {found['scores_done']} of {found['scores_planned']} (runs x targets)",
    ]
    lines += [f"failed ({cause}): {count} runs" for cause, count in found["failed_by_cause"].items()]
    spent = f"training: {duration(found['training_hours_spent'] * 3600)} spent"
    if found["gpu_hours_spent"]:
        spent += f" ({found['gpu_hours_spent']:.1f} GPU-hours)"
    if found["training_hours_left"]:
        spent += f", about {duration(found['training_hours_left'] * 3600)} left"
        spent += f", {duration(found['seconds_to_go'])} to go as it runs now"
    lines.append(spent)
    if found["other_version"]:
        lines.append(f"{len(found['other_version'])} results are of another version of the study file or its targets")
    return "\n".join(lines)
