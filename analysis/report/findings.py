"""The answer in a few plain sentences, every number of it taken from the fits and the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.baselines import matched_factors, with_own_baseline
from analysis.contrasts import ALPHA, HIGHER, LOWER, NOT_SIGNIFICANT, strategies_of, tukey, verdicts
from analysis.exhibits.score_figures import single_source_scores
from analysis.models import Model
from analysis.repeats import repeated
from analysis.results_table import ResultsTable
from analysis.wording import listed, number, p_shown
from study.core.coding import DETERMINED, N_UNKNOWN, SINGLE
from study.core.factors import STRATEGIES

COVERED = {2: "0.84 to 0.95", 3: "0.91 to 0.95"}
"""By number of targets, of the fixed effects of studies of the paper's plan (benchmarks/coverage.py)."""


def strategy_verdicts(table: ResultsTable, model: Model) -> pd.DataFrame:
    """What the first model says of each pair of strategies at n* = 0 (by adjusted p), each slope, each factor."""
    if model.fit is None:
        return pd.DataFrame()
    slopes = model.fixed[model.fixed["term"].str.endswith(":n_star")]
    pairs = verdict_rows(model.contrasts["contrast"], model.contrasts, model.contrasts["p_adjusted"])
    of_slopes = verdict_rows(slopes["term"], slopes, slopes["p"])
    return pd.concat([pairs, of_slopes, factor_effects(table, model)], ignore_index=True)


def verdict_rows(names: pd.Series, rows: pd.DataFrame, p: pd.Series) -> pd.DataFrame:
    """`effect, verdict, estimate, ci_low, ci_high, p`."""
    said = {"effect": names, "verdict": verdicts(rows["estimate"], p)}
    return pd.DataFrame(said).join(rows[["estimate", "ci_low", "ci_high"]]).assign(p=p).reset_index(drop=True)


def on_strategies(model: Model) -> Iterator[str]:
    """Each strategy against single-source learning, then the highest mean."""
    if model.fit is None:
        yield f"The strategies could not be compared: {model.why_not}."
        return
    where, pairs = "with two sources", model.contrasts
    if N_UNKNOWN in model.coding.left_out.values():
        where = "at the numbers of sources of these runs, which the rows do not give,"
    elif len(model.contrasts_of_means) and _against_single(pairs).empty:
        where, pairs = f"with {_mean_n(model)} sources", model.contrasts_of_means
    against = _against_single(pairs)
    if against.empty:
        yield f"No strategy can be compared with single-source learning ({SINGLE}): only one of the two has scores."
    else:
        names = against["contrast"].str.removesuffix(f" - {SINGLE}")
        groups = _by_verdict(names, against, against["p_adjusted"], _after(len(pairs)))
        aside = _not_among(model, [SINGLE, *names])
        yield (
            f"Compared with single-source learning ({SINGLE}), the score {where} is {groups}{aside}. "
            "One SD is the standard deviation of the scores on a target."
        )
    yield from _on_best(model)


def _after(n_comparisons: int) -> str:
    return "" if n_comparisons == 1 else f" (after Holm adjustment for {n_comparisons} comparisons)"


def _against_single(pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs[pairs["contrast"].str.endswith(f" - {SINGLE}")]


def _not_among(model: Model, compared: Sequence[str]) -> str:
    """The strategies that are not compared there, because their mean at that number of sources is not estimable."""
    names = [name for name in strategies_of(model.fit) if name not in compared] if model.fit else []
    reasons = [f"{name}, because {model.coding.left_out[f'strategy[{name}]:n_star']}" for name in names]
    return f"; not compared: {'; '.join(reasons)}" if reasons else ""


def _mean_n(model: Model) -> str:
    return f"{(model.mean_n_star or 0.0) + 2:.1f}".removesuffix(".0")


def _on_best(model: Model) -> Iterator[str]:
    if len(model.means) < 2:
        return
    best = model.means.loc[model.means["estimate"].idxmax()]
    pairs = model.contrasts_of_means if len(model.contrasts_of_means) else model.contrasts
    mine = pairs[pairs["contrast"].str.contains(best["strategy"], regex=False)]
    alike = []
    for row in mine.itertuples():
        later, earlier = row.contrast.split(" - ")
        if row.p_adjusted >= ALPHA:
            alike.append(earlier if later == best["strategy"] else later)
    rest = f"; it does not differ significantly from that of {listed(alike)}" if alike else ""
    rest += _not_among(model, list(model.means["strategy"]))
    at_mean = f" at the mean number of sources of the multi-source runs (n = {_mean_n(model)})"
    yield (
        f"The highest estimated mean{at_mean if model.mean_n_star else ''} is that of {best['strategy']}: "
        f"{number(best['estimate'])} SD (95 % CI {number(best['ci_low'])} to {number(best['ci_high'])}){rest}."
    )


def on_number_of_sources(model: Model) -> Iterator[str]:
    """What a further source changes, by strategy."""
    if model.fit is None:
        return
    slopes = model.fixed[model.fixed["term"].str.endswith(":n_star")]
    if slopes.empty:
        yield "The effect of the number of sources is not estimable: it is not known or constant within each strategy."
        return
    names = slopes["term"].str.removesuffix("]:n_star").str.removeprefix("strategy[")
    said = verdicts(slopes["estimate"], slopes["p"])
    verbs = {HIGHER: "raises the score with", LOWER: "lowers the score with"}
    verbs[NOT_SIGNIFICANT] = "has no detectable effect with"
    parts = [
        f"{verb} {listed(_with_interval(names[said == verdict], slopes[said == verdict], slopes['p']))}"
        for verdict, verb in verbs.items()
        if (said == verdict).any()
    ]
    alone = f" The {len(slopes)} slopes are tested without adjustment." if len(slopes) > 1 else ""
    yield f"Each further source {'; it '.join(parts)}.{alone}"


def on_size(model: Model) -> Iterator[str]:
    """What the size of the network changes, over the sizes that were run."""
    if model.fit is None:
        yield f"The effect of network size could not be estimated: {model.why_not}."
        return
    for row in size_effect(model).itertuples():
        sizes = model.fit.fixed["r_star"]
        low, high = (STRATEGIES[round(at * (len(STRATEGIES) - 1))] for at in (sizes.min(), sizes.max()))
        verdict = {HIGHER: "raises the score", LOWER: "lowers the score"}.get(row.verdict, "has no detectable effect")
        yield (
            f"Network size {verdict}: from {low} to {high} (r* from {sizes.min():g} to {sizes.max():g}, at n* = 0) "
            f"by {size(row, row.p)}."
        )


def size_effect(model: Model) -> pd.DataFrame:
    """The second model's effect of network size over the sizes that were run, as `verdict_rows`."""
    rows = model.fixed[model.fixed["term"] == "r_star"] if model.fit else model.fixed
    if model.fit is None or rows.empty:
        return pd.DataFrame()
    over_sizes = over_range(rows, float(np.ptp(model.fit.fixed["r_star"])))
    return verdict_rows(rows["term"], over_sizes, rows["p"])


def over_range(rows: pd.DataFrame, span: float) -> pd.DataFrame:
    """Effects of numbers by the unit as effects over a span of so many units."""
    return rows.assign(**{name: rows[name] * span for name in ("estimate", "ci_low", "ci_high")})


def on_factors(table: ResultsTable, model: Model) -> Iterator[str]:
    """What further factors change: levels against the first, numbers over the range that was run."""
    if model.fit is None:
        return
    found = factor_effects(table, model)
    parts = [f"the score is {_by_verdict(found['effect'], found, found['p'])}"] * (not found.empty)
    aliased = [name for name, why in model.coding.left_out.items() if name.startswith("factor.") and why == DETERMINED]
    if aliased:
        parts.append(f"confounded with the strategies: {listed([name.removeprefix('factor.') for name in aliased])}")
    if parts:
        yield (
            "Further factors (levels compared with the first level, numbers over the range that was run): "
            f"{'; '.join(parts)}."
        )


def factor_effects(table: ResultsTable, model: Model) -> pd.DataFrame:
    """The first model's effects of further factors but `transfer`, as `verdict_rows`; a number over its range."""
    terms = model.fixed["term"]
    rows = model.fixed[terms.str.startswith("factor.") & ~terms.str.startswith("factor.transfer[")]
    names = rows["term"].str.removeprefix("factor.")
    for position, term in rows["term"].items():
        if not term.endswith("]"):
            low, high = table.scores[term].min(), table.scores[term].max()
            names[position] += f" from {low:g} to {high:g}"
            rows = pd.concat([rows.drop(index=position), over_range(rows.loc[[position]], high - low)]).sort_index()
    return verdict_rows(names, rows, rows["p"])


def on_transfer(table: ResultsTable, model: Model) -> Iterator[str]:
    """What fine-tuning changes against a probe on the frozen representation."""
    if model.fit is None or not table.shares_runs:
        return
    at_both = table.scores.groupby("target")["factor.transfer"].nunique() > 1
    only = [name for name in table.targets if not at_both[name]]
    where = f"; no fine-tuned scores on {listed(only)}" if only else ""
    fine_tuned = model.fixed[model.fixed["term"] == "factor.transfer[fine-tune]"]
    for row in verdict_rows(fine_tuned["term"], fine_tuned, fine_tuned["p"]).itertuples():
        verdict = {HIGHER: "raises the score", LOWER: "lowers the score"}.get(row.verdict, "has no detectable effect")
        yield (
            "Fine-tuning a run's network for the target, instead of training a probe on its frozen representation, "
            f"{verdict}: by {size(row, row.p)}{where}. Baselines, sources, components and repeats are compared on "
            "frozen representations only."
        )


def on_baselines(table: ResultsTable) -> Iterator[str]:
    """On how many targets the mean trained representation beats the mean of each baseline."""
    if table.baselines.empty:
        yield "No baselines were scored, so whether training helps at all is not known."
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
    """The source whose single-source representation scores highest on each target, with Random's score where there is
    one, and above how many others it is significantly, by the spread of repeats (Tukey and Kramer, all pairs)."""
    single = single_source_scores(table)
    single = single.assign(repeated=repeated(table, single))
    if single.empty:
        yield "Which source helps most is not known from single-source runs: there are none."
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
    yield f"The single source with the highest mean score on each target: {'; '.join(parts)}{ranked}."


def _of_the_rest(scores: pd.DataFrame) -> str:
    """Above how many other sources the best is significantly on a target, where sources were trained again."""
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
    p = tukey(((mean[best] - others) / se).to_numpy(), np.full(len(others), float(df)), len(mean))
    return f"; significantly above {(p < ALPHA).sum()} of {len(others)} others"


def on_missing_scores(table: ResultsTable) -> Iterator[str]:
    """How many runs lack a score on some target, and why."""
    if len(table.missing):
        causes = [f"{outcome}: {count} scores" for outcome, count in table.missing["outcome"].value_counts().items()]
        n_runs = table.missing["run_id"].nunique()
        runs = "1 run has" if n_runs == 1 else f"{n_runs} runs have"
        yield f"{runs} no score on some target; missing scores were not replaced ({'; '.join(causes)})."


def on_few_targets(table: ResultsTable, model: Model) -> Iterator[str]:
    """That intervals are too narrow where there are few targets."""
    if model.fit is not None and len(table.targets) in COVERED:
        yield (
            f"With {len(table.targets)} targets, the variances between targets are poorly estimated: in simulated "
            f"studies, the coverage of 95 % intervals was {COVERED[len(table.targets)]}; with four or more targets it "
            "is as stated."
        )


def _by_verdict(names: pd.Series, rows: pd.DataFrame, p: pd.Series, adjusted: str = "") -> str:
    """What is higher, what is lower, and what is not significant."""
    said = verdicts(rows["estimate"], p)
    titles = {HIGHER: "higher for", LOWER: "lower for", NOT_SIGNIFICANT: f"not significantly different{adjusted} for"}
    return "; ".join(
        f"{title} {listed(_with_interval(names[said == verdict], rows[said == verdict], p))}"
        for verdict, title in titles.items()
        if (said == verdict).any()
    )


def _with_interval(names: pd.Series, rows: pd.DataFrame, p: pd.Series) -> list[str]:
    p = p[rows.index]
    return [f"{name} {size(row, own)}" for name, row, own in zip(names, rows.itertuples(), p, strict=True)]


def size(row: Any, p: float) -> str:
    """`+0.42 SD (95 % CI 0.18 to 0.66; p = 0.012)`."""
    interval = f"95 % CI {number(row.ci_low)} to {number(row.ci_high)}"
    return f"{'+' * (row.estimate > 0)}{number(row.estimate)} SD ({interval}; {p_shown(p)})"
