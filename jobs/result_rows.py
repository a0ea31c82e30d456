"""A row of the result store: what a score says, what its run was, and where both come from."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from jobs.records import Trained, now
from study.core.plan import run_columns
from study.core.results import PROBE_SCORES_VERSION, SCHEMA_VERSION, Score
from study.core.run import Run
from study.core.study_file import Study
from study.core.version import __version__


def result_row(
    study: Study,
    run: Run,
    trained: Trained,
    attempt: str,
    target: str,
    fingerprint: str,
    started_at: str,
    eval_seconds: float,
    score: Score,
) -> dict[str, object]:
    """The row of one score, without the levels of evaluation factors."""
    training = asdict(trained)
    value = score.score if score.outcome == "ok" else None
    for name in (
        "outcome",
        "attempt",
        "started_at",
        "made_from",
        "learner",
        "gives",
    ):  # the row's own are the evaluation's
        training.pop(name)
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run.run_id,
        "attempt": attempt,
        "phase": run.phase,
        "replicate": run.replicate,
        "strategy": run.strategy,
        "n_sources": run.n_sources,
        **run_columns(study, run),
        "target": target,
        **asdict(score),
        "score": value,
        **training,
        "eval_seconds": eval_seconds,
        "seed": study.seed,
        "target_fingerprint": fingerprint,
        "probe_scores_version": PROBE_SCORES_VERSION,
        "code_version": __version__,
        "started_at": pd.Timestamp(started_at),
        "finished_at": pd.Timestamp(now()),
    }
