"""Runs: a table with one row per run, and one run in detail, read from disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pandas as pd

from study.core.columns import TRANSFER, factor_column, nuisance_column
from study.core.errors import Fault, InputFaults, nearest
from study.core.evaluation_factors import FROZEN
from study.core.evaluations import evaluations_of
from study.core.paths import Paths
from study.core.plan import assigned_before
from study.core.run import named_run
from study.core.study_file import Study
from study.core.valid_results import expected_results, read_results
from study.workflow.learning_curves import learning_curves
from study.workflow.states import RunState, read_sweep

SCORE = "score."
LESS = "less is better"
"""The key of the table's `attrs` with the columns of scores of which the smallest is best."""


def study_runs(study: Study) -> pd.DataFrame:
    """One row per run, baselines first, then in the order of the plan.

    `run_id, phase, replicate, strategy, n_sources, sources` (names joined by +), a `factor.<name>` for each further
    factor, a `nuisance.<name>` for each nuisance factor (None where none was assigned), `state` (as `study status`
    counts), `cause` of a failure, `outcome` of the training (ok or diverged; missing until it is trained), and a
    `score.<target>` for each target: the mean of its primary metric over repeats and folds, NaN without one.
    In a study with evaluation factors, this is the score at the reference, and the columns of the others name what sets
    them apart: `score.<target>.fine-tune`, `score.<target>.svm.512`.
    Raises `InputFaults` if there is no plan of this study file.
    """
    runs = read_sweep(study).runs
    assigned = assigned_before(Paths(study.store).plan) if study.nuisance_factors else {}
    rows = [
        {
            "run_id": run.run.run_id,
            "phase": run.run.phase,
            "replicate": run.run.replicate,
            "strategy": run.run.strategy,
            "n_sources": run.run.n_sources,
            "sources": "+".join(run.run.sources),
            **{factor_column(name): run.run.factors.get(name) for name in study.further_factors},
            **{nuisance_column(name): assigned.get(run.run.run_id, {}).get(name) for name in study.nuisance_factors},
            "state": run.state,
            "cause": run.failure.cause if run.failure else None,
            "outcome": run.trained.outcome if run.trained else None,
        }
        for run in runs
    ]
    scores = _scores(study, runs)
    scores = scores[scores["metric"] == scores["target"].map(study.primary_metrics)]
    columns = list(map(_score_column, scores["target"], scores["setting"]))
    means = scores.assign(column=columns).pivot_table(index="run_id", columns="column", values="score", aggfunc="mean")
    table = pd.DataFrame(rows).join(means.reindex(columns=_score_columns(study)), on="run_id")
    table.attrs[LESS] = [
        _score_column(name, "") for name, metric in study.primary_metrics.items() if metric.endswith("-")
    ]
    return table


def sorted_runs(runs: pd.DataFrame, by: str) -> pd.DataFrame:
    """Sorted by a column or by the part after its first dot (a target, a factor); best scores first, missing last.

    Raises `InputFaults` if there is no such column.
    """
    short = {name.partition(".")[2]: name for name in runs if "." in name}
    column = by if by in runs else short.get(by)
    if column is None:
        expected = f"expected one of the columns {', '.join(runs)}"
        raise InputFaults([Fault("", "--sort", by, expected, nearest(by, [*runs, *short]))])
    ascending = not column.startswith(SCORE) or column in runs.attrs.get(LESS, ())
    return runs.sort_values(column, ascending=ascending, kind="stable", ignore_index=True)


def run_detail(study: Study, named: str) -> dict[str, Any]:
    """One run by its id or its beginning: its settings, training, attempts, scores and learning curves.

    Raises `InputFaults` if there is no such run, or more than one.
    """
    by_id = {run.run.run_id: run for run in read_sweep(study).runs}
    run = by_id[named_run(named, by_id, "--run")]
    scores = _scores(study, [run])
    by_metric = scores.groupby(["target", "transfer", "setting", "metric"], sort=False)["score"]
    of_targets = by_metric.agg(mean="mean", sd="std", n="count").reset_index()
    order = {target: position for position, target in enumerate(study.targets)}
    of_targets = of_targets.sort_values("target", key=lambda names: names.map(order), kind="stable")
    curves = learning_curves(study, [run.run]).drop(columns=["run_id", "strategy"])
    return {
        "run_id": run.run.run_id,
        "state": run.state,
        "phase": run.run.phase,
        "strategy": run.run.strategy,
        "settings": _settings(study, run),
        "training": None if run.trained is None else asdict(run.trained),
        "attempts": [asdict(attempt) for attempt in run.attempts],
        "scores": as_records(of_targets),
        "learning_curves": as_records(curves),
    }


def _settings(study: Study, run: RunState) -> dict[str, Any]:
    """The settings that define the run; a baseline has no training."""
    if study.run is not None:
        of_function = {"replicate": run.run.replicate, "seed": study.seed, **study.run.model_dump()}
        return of_function | {"sources": list(run.run.sources), "factors": dict(run.run.factors)}
    settings = {
        "replicate": run.run.replicate,
        "seed": study.seed,
        "sources": {name: study.sources[name].identity() for name in run.run.sources},
        "factors": dict(run.run.factors),
        "mel": study.mel.model_dump(mode="json"),
    }
    if not run.run.is_baseline:
        settings["training"] = study.training_of(run.run.factors).model_dump(mode="json")
    return settings


def _score_columns(study: Study) -> list[str]:
    return [_score_column(target, label) for target in study.targets for label in _labels(study, target).values()]


def _labels(study: Study, target: str) -> dict[tuple[str, ...], str]:
    """Of the settings that runs are evaluated in, by their levels, what sets each apart from the reference."""
    each = evaluations_of(study, study.strategies[0], study.sources, target)  # as of a run with all sources
    return {setting.levels(study.evaluation_factors): setting.label(each[0]) for setting in each}


def _score_column(target: str, setting: str) -> str:
    return f"{SCORE}{target}" + (f".{setting}" if setting else "")


def _scores(study: Study, runs: Iterable[RunState]) -> pd.DataFrame:
    """The rows of these runs' results that have a score, each with its level of `transfer` and what sets its `setting`
    apart."""
    runs = list(runs)
    fingerprints = {result.target: result.fingerprint for run in runs for result in run.results}
    rows, _ = read_results(Paths(study.store), expected_results(study, [run.run for run in runs], fingerprints))
    if rows.empty:
        return pd.DataFrame(columns=["run_id", "target", "transfer", "setting", "metric", "score"])
    labels = {target: _labels(study, target) for target in study.targets}
    levels = rows[[factor_column(name) for name in study.evaluation_factors]].itertuples(index=False, name=None)
    of_rows = [labels[target][at] for target, at in zip(rows["target"], levels, strict=True)]
    transfer = rows.get(TRANSFER, FROZEN)
    return rows.assign(setting=of_rows, transfer=transfer)[rows["score"].notna()]


def as_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON, with None for NaN."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in table.to_dict("records")
    ]
