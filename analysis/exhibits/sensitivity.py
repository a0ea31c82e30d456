"""Whether the first model's conclusions depend on one target, on what its rows share, or on missing scores.

The same model again: without each target; with random intercepts of the run, which all its scores share, and of the
combination, which its repeats share; with a fixed intercept of each target, since standardising has taken the targets'
means out and so tied the strategies' deviations together; and with what is missing at its target's worst or best score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.contrasts import pairwise_strategies, strategies_at, verdicts
from analysis.fitting.mixed_model import MixedFit, fit_mixed, fixed_effects
from analysis.fitting.mixed_problem import NotCertified
from analysis.fitting.random_terms import RandomTerm, intercepts_by
from analysis.models import Model, random_terms
from analysis.repeats import repeated
from analysis.results_table import ResultsTable
from study.core.coding import first_model
from study.core.errors import InputFaults
from study.core.factors import Level

MOST_LEVELS = 1500
"""Of runs and combinations: what they take to fit grows with the cube, 2.5 s for 800."""
WITHOUT, WITH, FILLED = "without", "with", "missing scores at the"


@dataclass(frozen=True)
class Variant:
    """The first model once more: `effects` has `effect, estimate, se, df, p, p_adjusted, ci_low, ci_high`, the slopes
    and further factors each by itself, the differences of strategies adjusted by Holm. Without a fit, `why_not`."""

    name: str
    n_rows: int
    effects: pd.DataFrame | None = None
    fit: MixedFit | None = None
    why_not: str | None = None


def sensitivity(table: ResultsTable, model: Model, factors: Mapping[str, Sequence[Level]]) -> tuple[Variant, ...]:
    """The variants of `model`, itself first, under the name `as reported`; none where it has no effect to examine."""
    effects = effects_of(model.fit, table.scores) if model.fit else pd.DataFrame()
    if effects.empty:
        return ()
    return (Variant("as reported", model.n_rows, effects, model.fit), *_variants(table, factors))


def effects_of(fit: MixedFit, rows: pd.DataFrame) -> pd.DataFrame:
    """What the first model is asked, from its fit to these rows."""
    alone = fixed_effects(fit).rename(columns={"term": "effect"})
    alone = alone[alone["effect"].str.endswith(":n_star") | alone["effect"].str.startswith("factor.")]
    pairs = pairwise_strategies(fit, 0.0, strategies_at(fit, rows, 0.0)).rename(columns={"contrast": "effect"})
    both = pd.concat([alone.assign(p_adjusted=alone["p"]), pairs], ignore_index=True)
    return both[["effect", "estimate", "se", "df", "p", "p_adjusted", "ci_low", "ci_high"]]


def moved(reported: pd.DataFrame, other: pd.DataFrame) -> dict[str, str]:
    """The effects of which the other fit says something else, and what: by sign, and by p (adjusted) below 0.05."""
    before, after = _verdicts(reported), _verdicts(other)
    return {
        effect: f"{verdict} → {after[effect]}"
        for effect, verdict in before.items()
        if effect in after and after[effect] != verdict
    }


def summary(variants: Sequence[Variant]) -> pd.DataFrame:
    """A row a variant against what is reported: `variant, n_rows, largest_change` of an estimate, `se_ratio_low`,
    `se_ratio_high`, `p_change` (the largest), `moved` (which conclusions), or why there is no fit."""
    reported, rows = variants[0].effects, []
    for one in variants[1:]:
        if one.effects is None:
            rows.append((one.name, one.n_rows, np.nan, np.nan, np.nan, np.nan, f"no fit: {one.why_not}"))
            continue
        both = reported.merge(one.effects, on="effect", suffixes=("", "_now"))
        ratio = both["se_now"] / both["se"]
        change = (both["estimate_now"] - both["estimate"]).abs().max()
        of_p = (both["p_adjusted_now"] - both["p_adjusted"]).abs().max()
        verdicts = moved(reported, one.effects)
        said = "; ".join(f"{effect}: {verdict}" for effect, verdict in verdicts.items()) or "none"
        rows.append((one.name, one.n_rows, change, ratio.min(), ratio.max(), of_p, said))
    columns = ["variant", "n_rows", "largest_change", "se_ratio_low", "se_ratio_high", "p_change", "moved"]
    return pd.DataFrame(rows, columns=columns)


def _variants(table: ResultsTable, factors: Mapping[str, Sequence[Level]]) -> Iterator[Variant]:
    rows = table.scores
    for target in table.targets:
        yield _fitted(f"{WITHOUT} {target}", rows[rows["target"] != target], factors)
    shared = _shared(table)
    if shared:
        name = f"{WITH} {' + '.join(f'(1 | {term.group})' for term in shared)}"
        n_levels = sum(len(np.unique(term.levels)) for term in shared)
        if n_levels <= MOST_LEVELS:
            yield _fitted(name, rows, factors, shared)
        else:
            why_not = f"{n_levels} levels, crossed with targets, are more than the {MOST_LEVELS} fitted here"
            yield Variant(name, len(rows), why_not=why_not)
    of_target = pd.get_dummies(rows["target"], dtype=float, prefix="target", prefix_sep=".")
    centred = of_target.iloc[:, 1:].sub(of_target.iloc[:, 0], axis=0)
    yield _fitted(f"{WITH} a fixed intercept of each target", rows, factors, fixed=centred)
    lost = table.missing[table.missing["strategy"].isin(table.strategies) & table.missing["target"].isin(table.targets)]
    if len(lost):
        by_target = rows.groupby("target")["z"]
        for name, extreme in (("worst", by_target.min()), ("best", by_target.max())):
            filled = pd.concat([rows, lost.assign(z=lost["target"].map(extreme))], ignore_index=True)
            yield _fitted(f"{FILLED} {name}", filled, factors)


def _shared(table: ResultsTable) -> list[RandomTerm]:
    """Intercepts of the run, where the model has none, and of the combination, where one was run again."""
    rows = table.scores
    terms = [] if table.shares_runs else [intercepts_by("run_id", rows["run_id"].to_numpy())]
    of_row = repeated(table, rows)
    if len(np.unique(of_row)) < rows["run_id"].nunique():
        terms.append(intercepts_by("combination", of_row))
    return terms


def _fitted(
    name: str,
    rows: pd.DataFrame,
    factors: Mapping[str, Sequence[Level]],
    shared: Sequence[RandomTerm] = (),
    fixed: pd.DataFrame | None = None,
) -> Variant:
    coding = first_model(rows, factors)
    columns = coding.columns if fixed is None else pd.concat([coding.columns, fixed], axis=1)
    try:
        fit = fit_mixed(rows["z"].to_numpy(), columns, [*random_terms(rows, coding), *shared])
    except (NotCertified, InputFaults) as reason:
        return Variant(name, len(rows), why_not=str(reason))
    return Variant(name, len(rows), effects_of(fit, rows), fit)


def _verdicts(effects: pd.DataFrame) -> dict[str, str]:
    return dict(zip(effects["effect"], verdicts(effects["estimate"], effects["p_adjusted"]), strict=True))
