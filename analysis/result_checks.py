"""What can be wrong with result rows: all faults at once, each with the runs that it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from study.core.columns import FACTOR, NUISANCE, OBSERVED, SOURCE, factor_column, source_column
from study.core.errors import Fault, nearest
from study.core.evaluation_factors import EVALUATION_FACTORS
from study.core.factors import BASELINE_PHASE, BASELINES
from study.core.strategies import Strategies, single_of

NEEDED = {
    "run_id": "no score can be assigned to its run",
    "target": "no score can be assigned to its target",
    "score": "there is nothing to analyse",
    "strategy": "no effect of the strategy can be estimated",
}
KEY = ("run_id", "target", "repeat", "fold", "metric")
SAME_FOR_A_RUN = ("phase", "replicate", "strategy", "n_sources", "n_parameters")
VERSIONS = ("train_scores_version", "probe_scores_version")
EXAMPLES_SHOWN = 5
LEAST_SPREAD = 1e-10
"""Deviation over the largest score from which scores differ by more than the rounding of their means."""
LEAST_SCALE = 1e-100
RESULTS = "results"
"""Where a fault stands, as long as nobody says what the rows were read from."""


def faults_of_columns(rows: pd.DataFrame) -> Iterator[Fault]:
    """The columns that no analysis can do without, and the rows."""
    for name, why in NEEDED.items():
        if name not in rows:
            yield _fault(name, None, f"no such column; without it {why}", nearest(name, map(str, rows.columns)))
    if rows.empty:
        yield _fault("rows", 0, "expected at least one: nothing has been scored yet")
    for name in ("run_id", "target"):
        empty = rows[name].isna() | (rows[name].astype(str).str.strip() == "") if name in rows else pd.Series(False)
        if empty.any():
            at = _some([f"{position + 1}" for position in np.flatnonzero(empty)])
            yield _fault(name, None, f"expected a name; it is empty in {_rows(empty)}, counted from 1: {at}")


def of_baselines(rows: pd.DataFrame) -> pd.Series:
    """Which rows are of baselines: by their name, or by their phase, which says it of a package's own."""
    named = rows["strategy"].isin(BASELINES)
    return named | (rows["phase"] == BASELINE_PHASE) if "phase" in rows else named


def faults_of_rows(
    rows: pd.DataFrame,
    metric_of: Mapping[str, str],
    sources: Sequence[str],
    mix_versions: bool,
    strategies: Strategies,
) -> Iterator[Fault]:
    """Values that are not what their column says, rows that contradict each other."""
    known = (*strategies, *BASELINES)
    for name in rows["strategy"][~of_baselines(rows)].unique():
        if name not in known:
            expected = f"unknown; expected one of {', '.join(known)}"
            yield _fault("strategy", name, expected, nearest(str(name), known))
    bad = ~np.isfinite(pd.to_numeric(rows["score"], errors="coerce")) & ~failed(rows)
    if bad.any():
        expected = f"expected a finite number where the outcome is ok; not so in {_rows(bad)}: {_cells(rows[bad])}"
        yield _fault("score", rows.loc[bad, "score"].iloc[0], expected)
    key = [*(name for name in KEY if name in rows), *evaluation_columns(rows)]
    double = rows.duplicated(key, keep=False)
    if double.any():
        yield _fault(" x ".join(key), None, f"expected once; {_rows(double)} share theirs: {_cells(rows[double])}")
    for column in evaluation_columns(rows):
        factor = EVALUATION_FACTORS[column.removeprefix(FACTOR)]
        for level in rows[column].unique():
            if not factor.has(level):
                yield _fault(column, level, factor.expected, nearest(str(level), factor.named))
    yield from _faults_of_metrics(rows, metric_of)
    yield from _faults_of_runs(rows, sources, strategies)
    for name in VERSIONS:
        versions = rows[name].dropna().unique() if name in rows else []
        if len(versions) > 1 and not mix_versions:
            expected = "expected one version: these scores do not compare (--mix-versions takes them together)"
            yield _fault(name, ", ".join(map(str, sorted(versions))), expected)


def faults_of_scores(scores: pd.DataFrame, targets: Sequence[str]) -> Iterator[Fault]:
    """Scores by run and target that no mixed model can be fitted to."""
    if len(targets) < 2:
        expected = "expected 2 or more targets with scores: the models estimate how effects vary between targets"
        yield _fault("target", ", ".join(targets) or None, expected)
    for target in targets:
        score = scores.loc[scores["target"] == target, "score"]
        largest = score.abs().max()
        if score.empty:
            yield _fault(f"score on {target}", None, "expected scores at the first level of each evaluation factor")
        elif not largest or (score / largest).std() <= LEAST_SPREAD or len(score) < 2:
            expected = f"expected scores that differ, to standardise by; all {len(score)} are equal"
            yield _fault(f"score on {target}", float(score.iloc[0]), f"{expected}, but for rounding")
        elif not LEAST_SCALE < largest < 1 / LEAST_SCALE:
            yield _fault(f"score on {target}", largest, "expected scores whose squares are finite and not zero")


def evaluation_columns(rows: pd.DataFrame) -> list[str]:
    """The columns of evaluation factors: a run has rows of each of their levels."""
    return [factor_column(name) for name in EVALUATION_FACTORS if factor_column(name) in rows]


def factor_columns(rows: pd.DataFrame) -> list[str]:
    """The columns of further factors that a run has one level of."""
    evaluation = evaluation_columns(rows)
    return [str(name) for name in rows if str(name).startswith(FACTOR) and name not in evaluation]


def condition_columns(rows: pd.DataFrame) -> list[str]:
    """The columns of nuisance factors and of recorded conditions, which no model has unless a formula names them."""
    return [str(name) for name in rows if str(name).startswith(NUISANCE) or name in OBSERVED]


def failed(rows: pd.DataFrame) -> pd.Series:
    """True for the rows whose outcome says that there is no score."""
    return rows["outcome"] != "ok" if "outcome" in rows else pd.Series(False, index=rows.index)


def _faults_of_metrics(rows: pd.DataFrame, metric_of: Mapping[str, str]) -> Iterator[Fault]:
    if "metric" not in rows:
        return
    scored = rows[~failed(rows)]
    for target, here in scored.groupby("target")["metric"]:
        metrics = [str(name) for name in here.unique()]
        if not metric_of and len(metrics) > 1:
            yield _fault(f"metric on {target}", ", ".join(metrics), "expected one metric per target")
        elif target in metric_of and metric_of[target] not in metrics:
            expected = f"expected rows of the target's primary metric; there are only those of {', '.join(metrics)}"
            yield _fault(f"metric on {target}", metric_of[target], expected, nearest(metric_of[target], metrics))


def _faults_of_runs(rows: pd.DataFrame, sources: Sequence[str], strategies: Strategies) -> Iterator[Fault]:
    columns = [source_column(name) for name in sources]
    present = [name for name in columns if name in rows]
    for name in set(columns) - set(present):
        yield _fault(
            name, None, "no such column", nearest(name, [str(one) for one in rows if str(one).startswith(SOURCE)])
        )
    for name in (*SAME_FOR_A_RUN, *present, *factor_columns(rows)):
        if name in rows:
            values = rows.groupby("run_id")[name].nunique(dropna=False)
            if (values > 1).any():
                yield _fault(
                    name, None, f"expected the same in all rows of a run; not so in {_runs(values.index[values > 1])}"
                )
    runs = rows[rows["strategy"].isin(list(strategies))].drop_duplicates("run_id").set_index("run_id")
    for name in present:
        odd = runs.index[~runs[name].isin([True, False])]
        if len(odd):  # one odd word makes text of a whole column
            words = sorted(runs.loc[odd, name], key=lambda word: str(word).lower() in ("true", "false"))
            yield _fault(name, words[0], f"expected true or false; not so in {_runs(odd)}")
    counted = runs[present].isin([True]).sum(axis=1)
    complete = bool(present) and len(present) == len(columns)
    if "n_sources" in runs or complete:
        counts = pd.to_numeric(runs["n_sources"], errors="coerce") if "n_sources" in runs else counted
        odd = [
            run
            for run, name, n in zip(runs.index, runs["strategy"], counts, strict=True)
            if not (np.isfinite(n) and strategies[name].allows(int(n)))
        ]
        if odd:
            single = single_of(strategies, runs["strategy"])
            expected = f"expected 1 for {single} and 2 or more for the others; not so in {_runs(odd)}"
            yield _fault("n_sources", None, expected)
        if complete:
            odd = runs.index[counted != counts]
            if len(odd):
                yield _fault("n_sources", None, f"expected the number of sources present; not so in {_runs(odd)}")


def _fault(key: str, value: object, expected: str, near: str | None = None) -> Fault:
    return Fault(RESULTS, key, getattr(value, "item", lambda: value)(), expected, near)  # a plain number, not numpy's


def _rows(which: pd.Series) -> str:
    return f"{int(which.sum())} rows" if which.sum() > 1 else "1 row"


def _runs(names: Iterable[object]) -> str:
    shown = [str(name) for name in names]
    return f"run{'s' if len(shown) > 1 else ''} {_some(shown)}"


def _cells(rows: pd.DataFrame) -> str:
    return _some([f"{run} on {target}" for run, target in zip(rows["run_id"], rows["target"], strict=True)])


def _some(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:EXAMPLES_SHOWN]) + (
        f" and {len(unique) - EXAMPLES_SHOWN} more" * (len(unique) > EXAMPLES_SHOWN)
    )
