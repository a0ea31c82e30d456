"""From result rows to the table that models are fitted to: one row per run and target, standardised within the target.

Where a study has evaluation factors, a run has such a row for each of their levels.

Result rows are those of results/*.parquet, or a table from elsewhere, which needs `run_id`, `target`, `score` and
`strategy`; whatever else of a result row it has is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from analysis.missing_scores import missing_scores
from analysis.result_checks import (
    SAME_FOR_A_RUN,
    condition_columns,
    evaluation_columns,
    factor_columns,
    failed,
    faults_of_columns,
    faults_of_rows,
    faults_of_scores,
    of_baselines,
)
from analysis.roles import Roles
from study.core.coding import is_single
from study.core.columns import FACTOR, SOURCE, factor_column, source_column
from study.core.errors import raise_all
from study.core.evaluation_factors import EVALUATION_FACTORS
from study.core.factors import Level
from study.core.strategies import BUILT_IN, Strategies, single_of

PROVENANCE = (
    "data_fingerprint",
    "code_version",
    "train_scores_version",
    "probe_scores_version",
    "device",
    "precision",
    "threads",
)
"""Columns that say where a row comes from."""


@dataclass(frozen=True)
class ResultsTable:
    """What was scored.

    `scores` and `baselines`: one row per run and target (and level of evaluation factors) with `run_id, target, score`
    (mean over repeats and folds), `n_scores`, and what else the rows say of a run; `scores` also has `z`, the score
    standardised within its target (mean and sample deviation, n - 1), which are in `moments` (index target; `mean`,
    `sd`, `metric`). `excluded` counts the result rows that were left out, by reason; `missing` has the run x target
    that no score is left of, with the `outcome` that says why.
    `by_split` has the scores behind the means of `scores`: `run_id, target, repeat, fold, score` and the factors;
    repeat and fold are 0 where the rows do not say. `provenance` says where the rows come from, as far as they do.
    `known` are the strategies that a row may have. A table of another field has no strategies, the `roles` of its
    columns, and the `levels` of its treatments.
    """

    scores: pd.DataFrame
    baselines: pd.DataFrame
    moments: pd.DataFrame
    sources: tuple[str, ...]
    excluded: Mapping[str, int]
    missing: pd.DataFrame
    by_split: pd.DataFrame
    provenance: Mapping[str, str] = field(default_factory=dict)
    roles: Roles | None = None
    levels: Mapping[str, Sequence[Level]] | None = None
    known: Strategies = field(default_factory=lambda: BUILT_IN)

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets in the order of the table."""
        return tuple(self.moments.index)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Strategies that occur, smallest network first."""
        present = set() if self.roles else set(self.scores["strategy"])
        return tuple(name for name in self.known if name in present)

    @property
    def single(self) -> str:
        """The strategy that the others are compared with, of a single source."""
        return single_of(self.known, self.strategies)

    @property
    def is_single(self) -> pd.Series:
        """Which rows of `scores` are of a strategy of one source."""
        return is_single(self.scores, self.known)

    @property
    def runs(self) -> pd.DataFrame:
        """One row per run, as in the plan."""
        of_scores = ["target", "score", "n_scores", "z", *evaluation_columns(self.scores)]
        return self.scores.drop_duplicates("run_id").drop(columns=of_scores)

    @property
    def shares_runs(self) -> bool:
        """Whether some run has several rows on a target, which then share more than their target."""
        return bool(self.scores.duplicated(["run_id", "target"]).any())

    @cached_property
    def frozen(self) -> ResultsTable:
        """The scores at the reference level of every evaluation factor, standardised by themselves: what there is
        without such factors. The table itself where it has one row per run and target."""
        if self.roles or not self.shares_runs:
            return self
        scores, baselines, missing, by_split = map(
            _at_first_levels, (self.scores, self.baselines, self.missing, self.by_split)
        )
        z, moments = standardised(scores, self.moments["metric"])
        return replace(
            self, scores=scores.assign(z=z), baselines=baselines, moments=moments, missing=missing, by_split=by_split
        )

    @property
    def factor_levels(self) -> Mapping[str, Sequence[Level]]:
        """The levels of further factors that occur, in ascending order, then those of evaluation factors."""
        if self.levels is not None:
            return self.levels
        columns = factor_columns(self.scores)
        found = {name.removeprefix(FACTOR): sorted(self.scores[name].dropna().unique().tolist()) for name in columns}
        return {**found, **self.evaluation_levels}

    @property
    def evaluation_levels(self) -> Mapping[str, Sequence[Level]]:
        """The levels of evaluation factors that occur, the reference first."""
        if self.roles:
            return {}
        return {
            name: factor.in_order(self.scores[factor_column(name)].unique())
            for name, factor in EVALUATION_FACTORS.items()
            if factor_column(name) in self.scores
        }


def results_table(
    rows: pd.DataFrame,
    metric_of: Mapping[str, str],
    source_names: Sequence[str] | None = None,
    mix_versions: bool = False,
    strategies: Strategies = BUILT_IN,
) -> ResultsTable:
    """Check the rows, average them by run x target (x level of evaluation factors) over repeats and folds, standardise
    within target.

    `metric_of` gives the primary metric of each target of the study; empty, the rows have one metric a target.
    `source_names` in the study's order; None, they are read off the columns. Raises `InputFaults` with all faults.
    """
    raise_all(faults_of_columns(rows))
    provenance = _provenance(rows)
    rows = rows.assign(run_id=rows["run_id"].astype(str), target=rows["target"].astype(str))
    found = tuple(name.removeprefix(SOURCE) for name in rows if name.startswith(SOURCE))
    sources = found if source_names is None else tuple(source_names)
    raise_all(faults_of_rows(rows, metric_of, sources, mix_versions, strategies))

    rows, excluded = _of_study(rows, metric_of)
    rows = _with_n_sources(rows, sources)
    without = failed(rows)
    if without.any():
        rows = rows.assign(outcome=rows["outcome"].fillna("not given"))
        causes = rows["outcome"][without].value_counts()
        excluded |= {f"outcome {name}": int(count) for name, count in causes.items()}
    with_score = rows[~without]
    means = _mean_by_run_and_target(with_score, sources)
    missing = missing_scores(rows, without, means, _of_a_run(rows, sources))

    is_baseline = of_baselines(means)
    scores, baselines = means[~is_baseline], means[is_baseline].reset_index(drop=True)
    of_rows = with_score.get("metric", pd.Series("score", with_score.index))
    metrics = metric_of or dict(zip(with_score["target"], of_rows, strict=True))
    order = [name for name in metrics if (scores["target"] == name).any()]
    raise_all(faults_of_scores(scores, order))
    z, moments = standardised(scores, pd.Series({name: metrics[name] for name in order}))
    table = ResultsTable(
        scores.assign(z=z).reset_index(drop=True),
        baselines,
        moments,
        sources,
        {reason: count for reason, count in excluded.items() if count},
        missing,
        _by_split(with_score),
        provenance,
        known=strategies,
    )
    if table.shares_runs:
        raise_all(faults_of_scores(_at_first_levels(table.scores), order))
    return table


def _of_study(rows: pd.DataFrame, metric_of: Mapping[str, str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows of the study's targets and of their primary metrics; how many were left out, by reason."""
    excluded = {}
    of_study = rows["target"].isin(metric_of) if metric_of else pd.Series(True, index=rows.index)
    excluded["target not in the study"] = int((~of_study).sum())
    rows = rows[of_study]
    if "metric" in rows and metric_of:
        kept = (rows["metric"] == rows["target"].map(metric_of)) | failed(rows)
        excluded["another metric than the target's primary"] = int((~kept).sum())
        rows = rows[kept]
    return rows, excluded


def _provenance(rows: pd.DataFrame) -> Mapping[str, str]:
    """Every value of the columns of `PROVENANCE`, and when the first run started and the last one finished."""
    found = {name: ", ".join(sorted(map(str, rows[name].dropna().unique()))) for name in PROVENANCE if name in rows}
    for name, edge in (("started_at", "min"), ("finished_at", "max")):
        if name in rows and rows[name].notna().any():
            found[name] = str(getattr(pd.to_datetime(rows[name], utc=True), edge)().floor("s"))
    return found


def _mean_by_run_and_target(rows: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    kept = [*_of_a_run(rows, sources), *condition_columns(rows)]
    numbers = rows.assign(score=pd.to_numeric(rows["score"]))
    by_cell = numbers.groupby(["run_id", "target", *evaluation_columns(rows)], sort=False)
    return by_cell.agg(
        score=("score", "mean"), n_scores=("score", "size"), **{name: (name, "first") for name in kept}
    ).reset_index()


def _of_a_run(rows: pd.DataFrame, sources: Sequence[str]) -> list[str]:
    """The columns that say of a run what it was."""
    return [
        *(name for name in SAME_FOR_A_RUN if name in rows),
        *(source_column(name) for name in sources),
        *factor_columns(rows),
    ]


def standardised(scores: pd.DataFrame, metrics: pd.Series) -> tuple[pd.Series, pd.DataFrame]:
    """Each score by its target's mean and sample deviation, and these moments; `metrics` has the targets in order."""
    by_target = scores.groupby("target")["score"]
    moments = pd.DataFrame({"mean": by_target.mean(), "sd": by_target.std(ddof=1)}).loc[list(metrics.index)]
    z = (scores["score"] - scores["target"].map(moments["mean"])) / scores["target"].map(moments["sd"])
    return z, moments.assign(metric=list(metrics))


def _at_first_levels(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows at the reference of every evaluation factor; of the probe that is the first which a target has."""
    for name in evaluation_columns(rows):
        factor = EVALUATION_FACTORS[name.removeprefix(FACTOR)]
        if factor.needs_reference:
            at_reference = rows[name] == factor.named[0]
        else:
            first = {target: factor.in_order(levels.unique())[0] for target, levels in rows.groupby("target")[name]}
            at_reference = rows[name] == rows["target"].map(first)
        rows = rows[at_reference].drop(columns=name)
    return rows.reset_index(drop=True)


def _by_split(rows: pd.DataFrame) -> pd.DataFrame:
    learned = rows[~of_baselines(rows)]
    splits = {name: learned.get(name, pd.Series(0, learned.index)) for name in ("repeat", "fold")}
    kept = learned[["run_id", "target", *(name for name in rows if name.startswith(FACTOR))]]
    return kept.assign(**splits, score=pd.to_numeric(learned["score"])).reset_index(drop=True)


def _with_n_sources(rows: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    """The number of sources from their columns where the table does not give it."""
    if "n_sources" in rows or not sources:
        return rows
    present = rows[[source_column(name) for name in sources]].isin([True])  # a baseline's may be empty
    return rows.assign(n_sources=present.sum(axis=1))
