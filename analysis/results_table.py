"""From result rows to the table that models are fitted to: one row a run x target, standardised within the target.

Result rows are those of results/*.parquet, or a table from elsewhere, which needs `run_id`, `target`, `score` and
`strategy`; whatever else of a result row it has is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from study.errors import Fault, InputFaults, nearest, raise_all
from study.factors import BASELINES, STRATEGIES, sources_allowed

REQUIRED = ("run_id", "target", "score", "strategy")
KEY = ("run_id", "target", "repeat", "fold", "metric")
SAME_FOR_A_RUN = ("phase", "replicate", "strategy", "n_sources", "n_parameters")
VERSIONS = ("train_scores_version", "probe_scores_version")
EXAMPLES_SHOWN = 5


@dataclass(frozen=True)
class ResultsTable:
    """What was scored.

    `scores` and `baselines`: one row a run x target with `run_id, target, score` (mean over repeats and folds),
    `n_scores`, and what else the rows say of a run; `scores` has `z` besides, the score standardised within its target
    (mean and sample deviation, n - 1), which are in `moments` (index target; `mean`, `sd`, `metric`). `excluded` counts
    the result rows that were left out, by reason; `missing` names the run x target that no score is left of.
    """

    scores: pd.DataFrame
    baselines: pd.DataFrame
    moments: pd.DataFrame
    sources: tuple[str, ...]
    excluded: Mapping[str, int]
    missing: pd.DataFrame

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets in the order of the table."""
        return tuple(self.moments.index)

    @property
    def strategies(self) -> tuple[str, ...]:
        """Strategies that occur, smallest network first."""
        present = set(self.scores["strategy"])
        return tuple(name for name in STRATEGIES if name in present)

    @property
    def runs(self) -> pd.DataFrame:
        """One row a run, as in the plan."""
        return self.scores.drop_duplicates("run_id").drop(columns=["target", "score", "n_scores", "z"])


def read_table(path: Path) -> pd.DataFrame:
    """A results table from elsewhere, CSV or Parquet by its suffix. Raises `InputFaults` if it cannot be read."""
    readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".pq": pd.read_parquet}
    if path.suffix not in readers:
        raise InputFaults([Fault(str(path), "suffix", path.suffix, f"expected one of {', '.join(readers)}")])
    try:
        return readers[path.suffix](path)
    except (OSError, ValueError) as error:  # pyarrow's and pandas' parsing errors are ValueErrors
        raise InputFaults([Fault(str(path), "", None, f"cannot be read: {str(error).splitlines()[0]}")]) from None


def results_table(
    rows: pd.DataFrame,
    metric_of: Mapping[str, str],
    source_names: Sequence[str] | None = None,
    mix_versions: bool = False,
) -> ResultsTable:
    """Check the rows, average them by run x target over repeats and folds, standardise within target.

    `metric_of` gives the primary metric of each target of the study; empty, the rows have one metric a target.
    `source_names` in the study's order; None, they are read off the columns. Raises `InputFaults` with all faults.
    """
    raise_all(Fault("results", name, None, _missing_column(name)) for name in REQUIRED if name not in rows)
    if rows.empty:
        raise InputFaults([Fault("results", "", None, "no rows: nothing has been scored yet")])
    rows = rows.assign(run_id=rows["run_id"].astype(str), target=rows["target"].astype(str))
    found = tuple(name.removeprefix("source.") for name in rows if name.startswith("source."))
    sources = found if source_names is None else tuple(source_names)
    raise_all(_faults_of_rows(rows, metric_of, sources, found, mix_versions))

    excluded = {}
    of_study = rows["target"].isin(metric_of) if metric_of else pd.Series(True, index=rows.index)
    excluded["target not in the study"] = int((~of_study).sum())
    rows = rows[of_study]
    if "metric" in rows and metric_of:
        kept = (rows["metric"] == rows["target"].map(metric_of)) | _failed(rows)
        excluded["another metric than the target's primary"] = int((~kept).sum())
        rows = rows[kept]
    rows = _with_n_sources(rows, sources)
    failed = _failed(rows)
    if failed.any():
        excluded |= {f"outcome {name}": int(count) for name, count in rows["outcome"][failed].value_counts().items()}
    means = _mean_by_run_and_target(rows[~failed], sources)
    cells = rows[["run_id", "strategy", "target"]].drop_duplicates(["run_id", "target"])
    scored = pd.MultiIndex.from_frame(means[["run_id", "target"]])
    missing = cells[~pd.MultiIndex.from_frame(cells[["run_id", "target"]]).isin(scored)]

    is_baseline = _is_baseline(means)
    scores, baselines = means[~is_baseline], means[is_baseline].reset_index(drop=True)
    metrics = metric_of or dict(zip(rows["target"], rows.get("metric", pd.Series("score", rows.index)), strict=True))
    order = [name for name in metrics if (scores["target"] == name).any()]
    raise_all(_faults_of_scores(scores, order))
    by_target = scores.groupby("target")["score"]
    moments = pd.DataFrame({"mean": by_target.mean(), "sd": by_target.std(ddof=1)}).loc[order]
    moments["metric"] = [metrics[name] for name in order]
    z = (scores["score"] - scores["target"].map(moments["mean"])) / scores["target"].map(moments["sd"])
    return ResultsTable(
        scores.assign(z=z).reset_index(drop=True),
        baselines,
        moments,
        sources,
        {reason: count for reason, count in excluded.items() if count},
        missing.reset_index(drop=True),
    )


def _faults_of_rows(
    rows: pd.DataFrame, metric_of: Mapping[str, str], sources: Sequence[str], found: Sequence[str], mix_versions: bool
) -> Iterator[Fault]:
    known = (*STRATEGIES, *BASELINES)
    for name in rows["strategy"].unique():
        if name not in known:
            yield Fault(
                "results", "strategy", name, f"unknown; expected one of {', '.join(known)}", nearest(str(name), known)
            )
    for name in sources:
        if name not in found:
            yield Fault("results", f"source.{name}", None, "no such column", nearest(name, found))
    score = pd.to_numeric(rows["score"], errors="coerce")
    bad = ~np.isfinite(score) & ~_failed(rows)
    if bad.any():
        yield Fault(
            "results",
            "score",
            rows.loc[bad, "score"].iloc[0],
            f"{bad.sum()} rows without outcome other than ok have no finite score: {_examples(rows[bad])}",
        )
    key = [name for name in KEY if name in rows]
    double = rows.duplicated(key, keep=False)
    if double.any():
        yield Fault(
            "results",
            " x ".join(key),
            None,
            f"{double.sum()} rows share their key with another: {_examples(rows[double])}",
        )
    if "metric" in rows and not metric_of:
        for target, metrics in rows.groupby("target")["metric"].unique().items():
            if len(metrics) > 1:
                yield Fault(
                    "results", f"metric of {target}", ", ".join(map(str, metrics)), "expected one metric a target"
                )
    for target, metric in metric_of.items():
        here = rows[rows["target"] == target]
        if "metric" in rows and len(here) and not (here["metric"] == metric).any() and not _failed(here).all():
            yield Fault(
                "results",
                f"metric of {target}",
                metric,
                "no rows of the target's primary metric",
                nearest(metric, map(str, here["metric"].unique())),
            )
    for name in (*SAME_FOR_A_RUN, *(column for column in rows if column.startswith(("source.", "factor.")))):
        if name in rows:
            differs = rows.groupby("run_id")[name].nunique(dropna=False) > 1
            if differs.any():
                yield Fault(
                    "results",
                    name,
                    None,
                    "differs between the rows of run " + ", ".join(differs.index[differs][:EXAMPLES_SHOWN]),
                )
    if "n_sources" in rows:
        models = rows[rows["strategy"].isin(STRATEGIES)].drop_duplicates("run_id")
        wrong = [
            run
            for run, name, n in zip(models["run_id"], models["strategy"], models["n_sources"], strict=True)
            if not (np.isfinite(n) and sources_allowed(name, int(n)))
        ]
        if wrong:
            yield Fault(
                "results",
                "n_sources",
                None,
                "expected 1 for SS-R and 2 or more for the others; otherwise in "
                f"{len(wrong)} runs: {', '.join(wrong[:EXAMPLES_SHOWN])}",
            )
    for name in VERSIONS:
        versions = rows[name].dropna().unique() if name in rows else []
        if len(versions) > 1 and not mix_versions:
            yield Fault(
                "results",
                name,
                ", ".join(map(str, sorted(versions))),
                "expected one version: these scores do not compare (--mix-versions takes them together)",
            )


def _faults_of_scores(scores: pd.DataFrame, targets: Sequence[str]) -> Iterator[Fault]:
    if len(targets) < 2:
        yield Fault(
            "results",
            "target",
            ", ".join(targets) or None,
            "expected 2 or more targets with scores: the models estimate how effects vary from target to target",
        )
    for target in targets:
        here = scores.loc[scores["target"] == target, "score"]
        if here.nunique() < 2:
            yield Fault(
                "results",
                f"score on {target}",
                float(here.iloc[0]),
                f"all {len(here)} scores are equal: nothing to standardise by",
            )


def _mean_by_run_and_target(rows: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    kept = [
        *(name for name in SAME_FOR_A_RUN if name in rows),
        *(f"source.{name}" for name in sources),
        *(name for name in rows if name.startswith("factor.")),
    ]
    numbers = rows.assign(score=pd.to_numeric(rows["score"]))
    by_cell = numbers.groupby(["run_id", "target"], sort=False)
    return by_cell.agg(
        score=("score", "mean"), n_scores=("score", "size"), **{name: (name, "first") for name in kept}
    ).reset_index()


def _with_n_sources(rows: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    """The number of sources from their columns where the table does not give it."""
    if "n_sources" in rows or not sources:
        return rows
    return rows.assign(n_sources=rows[[f"source.{name}" for name in sources]].astype(int).sum(axis=1))


def _failed(rows: pd.DataFrame) -> pd.Series:
    return rows["outcome"] != "ok" if "outcome" in rows else pd.Series(False, index=rows.index)


def _is_baseline(rows: pd.DataFrame) -> pd.Series:
    return rows["strategy"].isin(BASELINES)


def _missing_column(name: str) -> str:
    needed = {
        "run_id": "no score can be told to its run",
        "target": "no score can be told to its target",
        "score": "there is nothing to analyse",
        "strategy": "no effect of the strategy can be estimated",
    }
    return f"no such column; without it {needed[name]}"


def _examples(rows: pd.DataFrame) -> str:
    shown = [f"{run} on {target}" for run, target in zip(rows["run_id"], rows["target"], strict=True)]
    unique = list(dict.fromkeys(shown))
    return ", ".join(unique[:EXAMPLES_SHOWN]) + (", ..." if len(unique) > EXAMPLES_SHOWN else "")
