"""The answer in a few plain sentences, every number of it taken from the fits and the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.contrasts import ALPHA, HIGHER, LOWER, NOT_SIGNIFICANT, strategies_of, verdicts
from analysis.fitted_model import Model
from analysis.report.factor_findings import factor_effects, over_range
from analysis.report.phrases import LONGEST, by_verdict, note_on, notes_on, size, with_interval
from analysis.results_table import ResultsTable
from analysis.statements import AT_MEAN, PAIRS, SIZE, SLOPES
from analysis.verdict_rows import COLUMNS, NONE_FRAGILE, Fragile, verdict_rows
from analysis.wording import listed, number
from study.core.coding import N_UNKNOWN, strategy_of
from study.core.columns import TRANSFER
from study.core.strategies import BUILT_IN, single_of

SHARED = {"run_id": "other trainings", "combination": "other combinations of sources"}
"""What the statements generalise to where a model has such a random intercept."""


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
        return f"{start} {by_verdict(names, pairs, pairs['p_adjusted'], notes)}{aside}."

    return _within_room(said, pairs["contrast"] + at, fragile)


def _within_room(said: Callable[[pd.Series], str], effects: pd.Series, fragile: Fragile) -> str:
    """A sentence with notes on how robust these effects are: with the reasons, where there is room for them."""
    notes = notes_on(effects, fragile)
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
            f"{verb} {listed(with_interval(names[said == verdict], slopes[said == verdict], p, notes))}"
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
