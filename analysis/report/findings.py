"""The answer in a few plain sentences, every number of it taken from the fits and the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.baselines import with_own_baseline
from analysis.contrasts import ALPHA, HIGHER, LOWER, NOT_SIGNIFICANT, strategies_of, tukey, verdicts
from analysis.exhibits.score_figures import single_source_scores
from analysis.fitted_model import Model
from analysis.repeats import repeated
from analysis.results_table import ResultsTable
from analysis.statements import AT_MEAN, PAIRS, SIZE, SLOPES
from analysis.verdict_rows import COLUMNS, NONE_FRAGILE, Fragile, verdict_rows
from analysis.wording import by_target, listed, number, p_shown
from study.core.coding import DETERMINED, N_UNKNOWN, strategy_of
from study.core.columns import FACTOR, TRANSFER
from study.core.evaluation_factors import FINE_TUNE, LAST_LAYER, OWN_HEAD, SCRATCH
from study.core.strategies import BUILT_IN, single_of

LONGEST = 400
"""Characters of a sentence."""
SHARED = {"run_id": "other trainings", "combination": "other combinations of sources"}
"""What the statements generalise to where a model has such a random intercept."""

COVERED = {2: "0.84 to 0.95", 3: "0.91 to 0.95"}
"""By number of targets, of the fixed effects of studies of the paper's plan (benchmarks/coverage.py)."""


def strategy_verdicts(table: ResultsTable, model: Model, fragile: Fragile = NONE_FRAGILE) -> pd.DataFrame:
    """What the first model states of each pair of strategies, each slope and each factor, as `verdict_rows`. None where
    nothing may be called significant."""
    if model.fit is None or model.no_verdicts:
        return pd.DataFrame(columns=list(COLUMNS))
    family = model.statements["family"]
    some = model.statements[family.isin([PAIRS, SLOPES])]
    found = [
        verdict_rows(some, fragile, _named(some["effect"], model)),
        factor_effects(table, model, fragile),
        verdict_rows(model.statements[family == TRANSFER], fragile),
    ]
    stated = [rows for rows in found if len(rows)]
    return pd.concat(stated, ignore_index=True) if stated else pd.DataFrame(columns=list(COLUMNS))


def on_strategies(model: Model, fragile: Fragile = NONE_FRAGILE) -> Iterator[str]:
    """Each strategy against single-source learning, then the highest mean."""
    if model.fit is None:
        yield f"The strategies could not be compared: {model.why_not}."
        return
    if model.no_verdicts:
        yield f"Nothing is said of strategies and numbers of sources, because {model.no_verdicts}."
        return
    single = single_of(model.coding.strategies, strategies_of(model.fit))
    at_two, at_mean = _pairs_with(single, model.contrasts), _pairs_with(single, model.contrasts_of_means)
    compared = []
    if N_UNKNOWN in model.coding.left_out.values():
        compared.append(("at the numbers of sources of these runs, which the rows do not give,", at_two, ""))
    else:
        if len(at_two) and not (len(at_mean) and extrapolated(model)):
            compared.append(("with two sources", at_two, ""))
        if len(at_mean):
            compared.append((f"with {_mean_n(model)} sources", at_mean, AT_MEAN))
    if not any(len(pairs) for _, pairs, _ in compared):
        yield f"No strategy can be compared with single-source learning ({single}): only one of the two has scores."
    for number_of, (where, pairs, at) in enumerate(compared):
        if len(pairs):
            start = f"Compared with single-source learning ({single}), the score {where} is"
            if number_of:
                start = f"{where.capitalize()}, the mean of the multi-source runs, it is"
            yield _against(single, model, start, pairs, at, fragile)
    n_comparisons = len(model.contrasts) + len(model.contrasts_of_means)
    together = f" Intervals are simultaneous over {n_comparisons} comparisons." if n_comparisons > 1 else ""
    yield f"One SD is the standard deviation of the scores on a target.{together}"
    yield from _on_best(model)
    yield from on_estimand(model)


def _against(single: str, model: Model, start: str, pairs: pd.DataFrame, at: str, fragile: Fragile) -> str:
    """The strategies against single-source learning at one number of sources."""
    names = pairs["contrast"].str.removesuffix(f" - {single}")
    aside = _not_among(model, [single, *names])

    def said(notes: pd.Series) -> str:
        return f"{start} {_by_verdict(names, pairs, pairs['p_adjusted'], notes)}{aside}."

    return _within_room(said, pairs["contrast"] + at, fragile)


def _within_room(said: Callable[[pd.Series], str], effects: pd.Series, fragile: Fragile) -> str:
    """A sentence with notes on how robust these effects are: with the reasons, where there is room for them."""
    notes = _notes(effects, fragile)
    full = said(notes)
    return full if len(full) <= LONGEST else said(notes.str.replace(r"(; not robust).*", r"\1", regex=True))


def on_estimand(model: Model) -> Iterator[str]:
    """What the statements hold for, what is extrapolated, and why nothing may be called significant, if so."""
    if model.fit is None:
        return
    groups = {term.group for term in model.random_part}
    over = ["other targets", *(what for group, what in SHARED.items() if group in groups)]
    yield f"These statements generalise to {listed(over)} like those of this study."
    beyond = [f"{name} ({fewest:g} or more)" for name, fewest in extrapolated(model).items()]
    if beyond:
        yield f"Values with two sources are extrapolated for strategies whose runs all have more: {listed(beyond)}."


def extrapolated(model: Model) -> Mapping[str, float]:
    """The strategies with a slope that were never run with two sources, whose means there are the slope's alone, and
    the fewest sources that they were run with."""
    found = {}
    columns = model.coding.columns
    for term in columns:
        intercept = term.removesuffix(":n_star")
        if term.startswith("strategy[") and term.endswith(":n_star") and intercept in columns:
            steps = columns.loc[columns[intercept] == 1.0, term]
            if steps.min() > 0.0:
                found[strategy_of(term)] = float(steps.min()) + 2.0
    return found


def _named(effects: pd.Series, model: Model) -> list[str]:
    """Effects by their names, those at n* = 0 that no run is near marked as extrapolated."""
    beyond = set(extrapolated(model))
    return [
        f"{name} (extrapolated)" if not name.endswith(AT_MEAN) and beyond & set(name.split(" - ")) else name
        for name in effects
    ]


def _pairs_with(single: str, pairs: pd.DataFrame) -> pd.DataFrame:
    return pairs[pairs["contrast"].str.endswith(f" - {single}")]


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


def on_number_of_sources(model: Model, fragile: Fragile = NONE_FRAGILE) -> Iterator[str]:
    """What a further source changes, by strategy."""
    if model.fit is None or model.no_verdicts:
        return
    slopes = model.statements[model.statements["family"] == SLOPES]
    if slopes.empty:
        yield "The effect of the number of sources is not estimable: it is not known or constant within each strategy."
        return
    names = slopes["effect"].map(strategy_of)
    said, p = verdicts(slopes["estimate"], slopes["p_adjusted"]), slopes["p_adjusted"]
    verbs = {HIGHER: "raises the score with", LOWER: "lowers the score with"}
    verbs[NOT_SIGNIFICANT] = "has no detectable effect with"
    together = f" Intervals are simultaneous over the {len(slopes)} slopes." if len(slopes) > 1 else ""

    def sentence(notes: pd.Series) -> str:
        parts = [
            f"{verb} {listed(_with_interval(names[said == verdict], slopes[said == verdict], p, notes))}"
            for verdict, verb in verbs.items()
            if (said == verdict).any()
        ]
        return f"Each further source {'; it '.join(parts)}.{together}"

    yield _within_room(sentence, slopes["effect"], fragile)


def on_size(model: Model, fragile: Fragile = NONE_FRAGILE, occurring: Sequence[str] = tuple(BUILT_IN)) -> Iterator[str]:
    """What the size of the network changes, over the sizes that were run; `occurring` are their strategies."""
    if model.fit is None:
        yield f"The effect of network size could not be estimated: {model.why_not}."
        return
    if model.no_verdicts:
        yield f"Nothing is said of the size of the network, because {model.no_verdicts}."
        return
    for row in size_effect(model, fragile).itertuples():
        sizes = model.fit.fixed["r_star"]
        of_name = {name: model.coding.strategies[name].size for name in occurring}
        low, high = (min(of_name, key=lambda name: abs(of_name[name] - at)) for at in (sizes.min(), sizes.max()))
        verdict = {HIGHER: "raises the score", LOWER: "lowers the score"}.get(row.verdict, "has no detectable effect")
        yield (
            f"Network size {verdict}: from {low} to {high} (r* from {sizes.min():g} to {sizes.max():g}, at n* = 0) it "
            f"changes by {size(row, row.p, note_on('r_star', fragile))}."
        )


def size_effect(model: Model, fragile: Fragile = NONE_FRAGILE) -> pd.DataFrame:
    """The second model's effect of network size over the sizes that were run, as `verdict_rows`."""
    rows = model.statements[model.statements["family"] == SIZE]
    if model.fit is None or rows.empty or model.no_verdicts:
        return pd.DataFrame()
    over_sizes = over_range(rows, float(np.ptp(model.fit.fixed["r_star"])))
    return verdict_rows(over_sizes, fragile)


TRANSFERRED = {
    LAST_LAYER: "Training a new output layer on a run's frozen network",
    FINE_TUNE: "Fine-tuning a run's network for the target",
    SCRATCH: "Training a run's network for the target from scratch",
    OWN_HEAD: "Taking the network's own output for the source that a target is made of",
}


def over_range(rows: pd.DataFrame, span: float | pd.Series) -> pd.DataFrame:
    """Effects of numbers by the unit as effects over a span of so many units."""
    return rows.assign(**{name: rows[name] * span for name in ("estimate", "ci_low", "ci_high")})


def on_factors(table: ResultsTable, model: Model, fragile: Fragile = NONE_FRAGILE) -> Iterator[str]:
    """What further factors change: levels against the first, numbers over the range that was run."""
    if model.fit is None or model.no_verdicts:
        return
    found = factor_effects(table, model)
    terms = _factor_statements(model)["effect"].reset_index(drop=True)
    groups = _by_verdict(found["effect"], found, found["p"], _notes(terms, fragile)) if len(found) else ""
    parts = [f"the score is {groups}"] * (not found.empty)
    aliased = [name for name, why in model.coding.left_out.items() if name.startswith(FACTOR) and why == DETERMINED]
    if aliased:
        parts.append(f"confounded with the strategies: {listed([name.removeprefix(FACTOR) for name in aliased])}")
    if parts:
        yield (
            "Further factors (levels compared with the first level, numbers over the range that was run): "
            f"{'; '.join(parts)}."
        )


def factor_effects(table: ResultsTable, model: Model, fragile: Fragile = NONE_FRAGILE) -> pd.DataFrame:
    """The first model's effects of further factors but `transfer`, as `verdict_rows`; a number over its range."""
    rows = _factor_statements(model)
    names = rows["effect"].str.removeprefix(FACTOR)
    for position, term in rows["effect"].items():
        if term.endswith("^2"):
            names[position] = f"{names[position].removesuffix('^2')} (curvature)"
        elif not term.endswith("]"):
            low, high = table.scores[term].min(), table.scores[term].max()
            names[position] += f" from {low:g} to {high:g}"
            span = float(np.ptp(model.fit.fixed[term]))  # on the factor's scale, where it is coded on one
            rows = pd.concat([rows.drop(index=position), over_range(rows.loc[[position]], span)]).sort_index()
    return verdict_rows(rows, fragile, names)


def _factor_statements(model: Model) -> pd.DataFrame:
    family = model.statements["family"]
    return model.statements[family.str.startswith(FACTOR) & (family != TRANSFER)]


def on_transfer(table: ResultsTable, model: Model, fragile: Fragile = NONE_FRAGILE) -> Iterator[str]:
    """What training on the target changes against a probe on the frozen representation."""
    if model.fit is None or model.no_verdicts or not table.shares_runs:
        return
    for row in verdict_rows(model.statements[model.statements["family"] == TRANSFER]).itertuples():
        level = row.effect.partition("[")[2].removesuffix("]")
        scored = set(table.scores.loc[table.scores[TRANSFER] == level, "target"])
        only = [name for name in table.targets if name not in scored]
        where = f"; no such scores on {listed(only)}" if only else ""
        verdict = {HIGHER: "raises the score", LOWER: "lowers the score"}.get(row.verdict, "has no detectable effect")
        yield (
            f"{TRANSFERRED[level]}, instead of training a probe on its frozen representation, "
            f"{verdict}: it changes by {size(row, row.p, note_on(row.effect, fragile))}{where}."
        )
    reference = listed([f"{name} = {levels[0]}" for name, levels in table.evaluation_levels.items()])
    if reference:
        yield f"Baselines, sources, components and repeats are compared at {reference} only."


def on_sources(table: ResultsTable) -> Iterator[str]:
    """The source whose single-source representation scores highest on each target, with Random's score where there is
    one, and above how many others it is significantly, by the spread of repeats (Tukey and Kramer, all pairs,
    over all targets)."""
    single = single_source_scores(table)
    single = single.assign(repeated=repeated(table, single))
    if single.empty:
        yield "Which source helps most is not known from single-source runs: there are none."
        return
    random = with_own_baseline(single, table.baselines[table.baselines["strategy"] == "Random"])
    parts, n_targets = [], single["target"].nunique()
    for target in table.targets:
        here = single[single["target"] == target]
        if here.empty:
            parts.append(f"{target}: no single-source score")
            continue
        means = here.groupby("source", sort=False)["score"].mean()
        best = means.index[means == means.max()]
        own = random.loc[(random["target"] == target) & random["source"].isin(best), "baseline_score"]
        beside = f", Random {number(own.mean(), 3)}" if len(own) else ""
        parts.append(f"{target}: {listed(best)} ({number(means.max(), 3)}{beside}{_of_the_rest(here, n_targets)})")
    once = single.groupby("repeated")["run_id"].nunique().max() == 1
    ranked = "; each was trained only once on equal factors, so they cannot be ranked" if once else ""
    yield f"The single source with the highest mean score on each target: {by_target(parts)}{ranked}."


def _of_the_rest(scores: pd.DataFrame, n_targets: int) -> str:
    """Above how many other sources the best is significantly on a target, where sources were trained again; all
    targets are one family."""
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
    over_targets = 1.0 - (1.0 - p) ** n_targets  # Sidak 1967
    return f"; significantly above {(over_targets < ALPHA).sum()} of {len(others)} others"


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


def _by_verdict(names: pd.Series, rows: pd.DataFrame, p: pd.Series, notes: pd.Series | None = None) -> str:
    """What is higher, what is lower, and what is not significant; the first of each with its unit."""
    said = verdicts(rows["estimate"], p)
    titles = {HIGHER: "higher for", LOWER: "lower for", NOT_SIGNIFICANT: "not significantly different for"}
    return "; ".join(
        f"{title} {listed(_with_interval(names[said == verdict], rows[said == verdict], p, notes))}"
        for verdict, title in titles.items()
        if (said == verdict).any()
    )


def _with_interval(names: pd.Series, rows: pd.DataFrame, p: pd.Series, notes: pd.Series | None = None) -> list[str]:
    said = pd.Series("", rows.index) if notes is None else notes[rows.index]
    full = [
        f"{name} {size(row, own, note)}"
        for name, row, own, note in zip(names, rows.itertuples(), p[rows.index], said, strict=True)
    ]
    return [*full[:1], *(one.replace(" SD (95 % CI ", " (", 1) for one in full[1:])]


def _notes(effects: pd.Series, fragile: Fragile) -> pd.Series:
    return effects.map(lambda effect: note_on(effect, fragile))


def note_on(effect: str, fragile: Fragile) -> str:
    """Whether a significant effect is robust, as far as that was looked at."""
    if effect not in fragile:
        return ""
    return f"; not robust: {fragile[effect]} it is not" if fragile[effect] else "; robust"


def size(row: Any, p: float, note: str = "") -> str:
    """`+0.42 SD (95 % CI 0.18 to 0.66; p = 0.012; robust)`."""
    interval = f"95 % CI {number(row.ci_low)} to {number(row.ci_high)}"
    return f"{'+' * (row.estimate > 0)}{number(row.estimate)} SD ({interval}; {p_shown(p)}{note})"
