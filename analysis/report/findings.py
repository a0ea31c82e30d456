"""The answer in a few plain sentences, every number of it taken from the fits and the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.baselines import matched_factors, with_own_baseline
from analysis.contrasts import ALPHA, strategies_of, tukey, verdicts
from analysis.exhibits.score_figures import single_source_scores
from analysis.models import Model
from analysis.repeats import repeated
from analysis.results_table import ResultsTable
from analysis.wording import listed, number
from study.core.coding import DETERMINED, N_UNKNOWN, SINGLE

COVERED = {2: "0.84 to 0.95", 3: "0.91 to 0.95"}
"""By number of targets, of the fixed effects of studies of the paper's plan (benchmarks/coverage.py)."""


def strategy_verdicts(model: Model) -> pd.DataFrame:
    """What the first model says of each pair of strategies at n* = 0 (by adjusted p), each slope, each factor level."""
    if model.fit is None:
        return pd.DataFrame()
    terms = model.fixed["term"]
    alone = model.fixed[terms.str.endswith(":n_star") | terms.str.startswith("factor.")]
    pairs = _verdict_rows(model.contrasts["contrast"], model.contrasts, model.contrasts["p_adjusted"])
    return pd.concat([pairs, _verdict_rows(alone["term"], alone, alone["p"])], ignore_index=True)


def size_verdicts(model: Model) -> pd.DataFrame:
    """What the second model says of the size of the network."""
    if model.fit is None:
        return pd.DataFrame()
    size = model.fixed[model.fixed["term"] == "r_star"]
    return _verdict_rows(size["term"], size, size["p"])


def _verdict_rows(names: pd.Series, rows: pd.DataFrame, p: pd.Series) -> pd.DataFrame:
    """`effect, verdict, estimate, ci_low, ci_high, p`."""
    columns = rows[["estimate", "ci_low", "ci_high"]]
    said = {"effect": names, "verdict": verdicts(rows["estimate"], p)}
    return pd.DataFrame(said).join(columns).assign(p=p).reset_index(drop=True)


def on_strategies(model: Model) -> Iterator[str]:
    if model.fit is None:
        yield f"The strategies could not be compared: {model.why_not}."
        return
    where, pairs = "in its simplest case", model.contrasts
    if N_UNKNOWN in model.coding.left_out.values():
        where = "at the numbers of sources that its runs have, which the rows do not tell,"
    elif len(model.contrasts_of_means) and _against_single(pairs).empty:
        where, pairs = f"at {_mean_n(model)} sources", model.contrasts_of_means
    against = _against_single(pairs)
    if against.empty:
        yield f"No strategy can be compared with single-source learning ({SINGLE}): only one of the two has scores."
    else:
        names = against["contrast"].str.removesuffix(f" - {SINGLE}")
        parts = _told_apart(names, against, against["p_adjusted"])
        yield (
            f"Compared with single-source learning ({SINGLE}), each strategy {where} — {parts} "
            "(standard deviations within target, each with its own 95 % interval; told by Holm-adjusted p)"
            f"{_not_among(model, [SINGLE, *names])}."
        )
    yield from _on_best(model)


def _against_single(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs[pairs["contrast"].str.endswith(f" - {SINGLE}")]


def _not_among(model: Model, compared: Sequence[str]) -> str:
    """The strategies that are not compared there, for nothing tells what they score at another number of sources."""
    names = [name for name in strategies_of(model.fit) if name not in compared] if model.fit else []
    reasons = [f"{name}, for {model.coding.left_out[f'strategy[{name}]:n_star']}" for name in names]
    return f"; not compared: {'; '.join(reasons)}" if reasons else ""


def _mean_n(model: Model) -> str:
    return f"{(model.mean_n_star or 0.0) + 2:.1f}".removesuffix(".0")


def _on_best(model: Model) -> Iterator[str]:
    if len(model.means) < 2:
        return
    best = model.means.loc[model.means["estimate"].idxmax()]
    pairs = model.contrasts_of_means if len(model.contrasts_of_means) else model.contrasts
    mine = pairs[pairs["contrast"].str.contains(best["strategy"], regex=False)]
    open_names = []
    for row in mine.itertuples():
        later, earlier = row.contrast.split(" - ")
        if row.p_adjusted >= ALPHA:
            open_names.append(earlier if later == best["strategy"] else later)
    rest = f"; it cannot be told from that of {listed(open_names)}" if open_names else ""
    rest += _not_among(model, list(model.means["strategy"]))
    at_mean = f" at the mean number of sources of the multi-source runs (n = {_mean_n(model)})"
    yield (
        f"The highest estimated mean{at_mean if model.mean_n_star else ''} is that of {best['strategy']}: "
        f"{number(best['estimate'])} ({number(best['ci_low'])} to {number(best['ci_high'])}){rest}."
    )


def on_number_of_sources(model: Model) -> Iterator[str]:
    if model.fit is None:
        return
    slopes = model.fixed[model.fixed["term"].str.endswith(":n_star")]
    if slopes.empty:
        yield "Nothing can be said on the number of sources: it does not vary within any strategy, or is not known."
        return
    names = slopes["term"].str.removesuffix("]:n_star").str.removeprefix("strategy[")
    told = slopes["p"] < ALPHA
    parts = []
    for verb, which in (("raises", told & (slopes["estimate"] > 0)), ("lowers", told & (slopes["estimate"] < 0))):
        if which.any():
            parts.append(f"{verb} the score with {listed(_with_interval(names[which], slopes[which]))}")
    if (~told).any():
        parts.append(f"has no effect that can be told with {listed(_with_interval(names[~told], slopes[~told]))}")
    alone = f" (each of {len(slopes)} by its own p value)" if len(slopes) > 1 else ""
    yield f"Each further source {'; it '.join(parts)}{alone}."


def on_size(model: Model) -> Iterator[str]:
    if model.fit is None:
        yield f"The size of the network could not be examined: {model.why_not}."
        return
    for row in model.fixed[model.fixed["term"] == "r_star"].itertuples():
        yield (
            f"Going from the smallest to the largest network (r* from 0 to 1) at n* = 0 {_verdict(row)}: "
            f"{number(row.estimate)} ({number(row.ci_low)} to {number(row.ci_high)})."
        )


def on_factors(model: Model) -> Iterator[str]:
    if model.fit is None:
        return
    terms = model.fixed["term"]
    found = model.fixed[terms.str.startswith("factor.") & ~terms.str.startswith("factor.transfer[")]
    units = {term: f" ({unit})" for term, unit in model.coding.units.items()}
    names = found["term"].str.removeprefix("factor.") + found["term"].map(lambda term: units.get(term, ""))
    parts = [_told_apart(names, found, found["p"])] * (not found.empty)
    aliased = [name for name, why in model.coding.left_out.items() if name.startswith("factor.") and why == DETERMINED]
    if aliased:
        names = listed([name.removeprefix("factor.") for name in aliased])
        parts.append(f"not to be told apart from the strategies in these rows: {names}")
    if parts:
        yield f"Further factors, their levels against the first and numbers by the unit — {'; '.join(parts)}."


def on_transfer(table: ResultsTable, model: Model) -> Iterator[str]:
    if model.fit is None or not table.shares_runs:
        return
    at_both = table.scores.groupby("target")["factor.transfer"].nunique() > 1
    only = [name for name in table.targets if not at_both[name]]
    where = f" (no fine-tuned scores on {listed(only)})" if only else ""
    for row in model.fixed[model.fixed["term"] == "factor.transfer[fine-tune]"].itertuples():
        yield (
            "Fine-tuning a run's network for the target, instead of a probe on its frozen representation, "
            f"{_verdict(row)}: {number(row.estimate)} "
            f"({number(row.ci_low)} to {number(row.ci_high)}){where}. Baselines, sources, components and "
            "repeats are compared by frozen representations alone."
        )


def on_baselines(table: ResultsTable) -> Iterator[str]:
    """On how many targets the mean trained representation beats the mean of each baseline."""
    if table.baselines.empty:
        yield "No baselines were scored, so nothing is said on whether training helps at all."
        return
    parts, matched = [], []
    for name, rows in table.baselines.groupby("strategy"):
        means = with_own_baseline(table.scores, rows).groupby("target")[["score", "baseline_score"]].mean()
        compared = [target for target in table.targets if target in means.index]
        beaten = [target for target in compared if means["score"][target] > means["baseline_score"][target]]
        others = [target for target in compared if target not in beaten]
        where = f" (not on {listed(others)})" if others and beaten else ""
        parts.append(f"{name} on {len(beaten)} of {len(compared)} targets{where}")
        if factors := matched_factors(rows):
            matched.append(f" Each run is compared with the {name} of its own {listed(factors)}.")
    yield f"The mean trained representation scores above {listed(parts)}.{''.join(matched)}"


def on_sources(table: ResultsTable) -> Iterator[str]:
    """The source whose single-source representation scores highest on each target, beside Random where scored, and
    how many others it is significantly better than by the spread of repeats (Tukey and Kramer, all pairs)."""
    single = single_source_scores(table)
    single = single.assign(repeated=repeated(table, single))
    if single.empty:
        yield "Which source helps most cannot be said from single-source runs: there are none."
        return
    random = with_own_baseline(single, table.baselines[table.baselines["strategy"] == "Random"])
    parts = []
    for target in table.targets:
        here = single[single["target"] == target]
        if here.empty:
            parts.append(f"{target}: no single-source score")
            continue
        means = here.groupby("source", sort=False)["score"].mean()
        best = means.index[means == means.max()]
        own = random.loc[(random["target"] == target) & random["source"].isin(best), "baseline_score"]
        beside = f", Random {number(own.mean(), 3)}" if len(own) else ""
        parts.append(f"{target}: {listed(best)} ({number(means.max(), 3)}{beside}{_of_the_rest(here)})")
    once = single.groupby("repeated")["run_id"].nunique().max() == 1
    ranked = "; each was trained only once on equal factors, so they cannot be ranked" if once else ""
    yield f"The single source that serves each target best: {'; '.join(parts)}{ranked}."


def _of_the_rest(scores: pd.DataFrame) -> str:
    """How many other sources the best is significantly better than on a target, where sources were trained again."""
    by_source, by_repeated = scores.groupby("source", sort=False)["score"], scores.groupby("repeated")["score"]
    mean, count, repeats = by_source.mean(), by_source.size(), by_repeated.size()
    df = int(repeats.sum() - len(repeats))
    others = mean[mean < mean.max()]
    if others.empty:
        return ""
    within = ((repeats - 1) * by_repeated.var().fillna(0.0)).sum()
    if not (df and within):
        return ""
    best = mean.idxmax()
    se = np.sqrt(within / df * (1 / count[best] + 1 / count[others.index]))
    better = tukey(((mean[best] - others) / se).to_numpy(), np.full(len(others), float(df)), len(mean)) < ALPHA
    return f"; significantly better than {better.sum()} of {len(others)} others"


def on_missing_scores(table: ResultsTable) -> Iterator[str]:
    """How many runs lack a score on some target, and why."""
    if len(table.missing):
        causes = [f"{outcome}: {count} scores" for outcome, count in table.missing["outcome"].value_counts().items()]
        n_runs = table.missing["run_id"].nunique()
        runs = "1 run has" if n_runs == 1 else f"{n_runs} runs have"
        yield f"{runs} no score on some target, and nothing was put in its place ({'; '.join(causes)})."


def on_few_targets(table: ResultsTable, model: Model) -> Iterator[str]:
    if model.fit is not None and len(table.targets) in COVERED:
        yield (
            f"With {len(table.targets)} targets the variances between them are hardly known: in simulated studies such "
            f"intervals of 95 % covered {COVERED[len(table.targets)]}; from four targets on they hold."
        )


def _told_apart(names: pd.Series, rows: pd.DataFrame, p: pd.Series) -> str:
    """What is higher, what is lower, and of what p tells no difference."""
    told = p < ALPHA
    groups = {
        "higher": told & (rows["estimate"] > 0),
        "lower": told & (rows["estimate"] < 0),
        "no difference can be told": ~told,
    }
    return "; ".join(
        f"{verdict}: {listed(_with_interval(names[which], rows[which]))}"
        for verdict, which in groups.items()
        if which.any()
    )


def _verdict(effect: Any) -> str:
    """What a fixed effect by itself does, as far as its p tells."""
    if effect.p < ALPHA:
        return "raises the score" if effect.estimate > 0 else "lowers the score"
    return "has no effect that can be told"


def _with_interval(names: Sequence[str], rows: pd.DataFrame) -> list[str]:
    return [
        f"{name} {'+' * (row.estimate > 0)}{number(row.estimate)} ({number(row.ci_low)} to {number(row.ci_high)})"
        for name, row in zip(names, rows.itertuples(), strict=True)
    ]
