"""Whether what a model states depends on one target, on the model, or on missing scores.

The same statements again: without each target; by the paper's model in place of the headline's, or the other way round;
with a fixed intercept of each target, since standardising has taken the targets' means out and so tied the strategies'
deviations together; with targets that share their sound taken as one; and with what is missing at its target's worst or
best score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from analysis.centring import centred
from analysis.contrasts import ALPHA
from analysis.fitted_model import Model
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.fitting.mixed_problem import NotCertified
from analysis.models import headline_fit, random_terms
from analysis.options import HEADLINE, AnalysisOptions
from analysis.result_checks import evaluation_columns
from analysis.results_table import ResultsTable
from analysis.robustness import WITHOUT, Verdicts, fragile, reported_verdicts, verdicts_without
from analysis.simultaneous import EACH
from analysis.statements import statements_of
from analysis.treatments import INTERCEPT
from study.core.coding import Coding
from study.core.errors import InputFaults
from study.core.factors import Level

REPORTED, WITH, FILLED = "as reported", "with", "missing scores at the"
MERGED = f"{WITH} targets that share their sound merged"
BY = "by the"
TARGET_INTERCEPTS = f"{WITH} a fixed intercept of each target"
CodingOf = Callable[[pd.DataFrame], Coding]
Stated = Callable[[MixedFit, pd.DataFrame], pd.DataFrame]
STATED: Stated = partial(statements_of, judging=EACH)


@dataclass(frozen=True)
class Variant:
    """A model once more: `effects` are its `statements_of`. Without a fit, `why_not`."""

    name: str
    n_rows: int
    effects: pd.DataFrame | None = None
    fit: MixedFit | None = None
    why_not: str | None = None


def sensitivity(
    table: ResultsTable,
    model: Model,
    coding_of: CodingOf,
    factors: Mapping[str, Sequence[Level]],
    beside: Model | None = None,
    options: AnalysisOptions | None = None,
    stated: Stated = STATED,
) -> tuple[Variant, ...]:
    """The variants of `model`, itself first; none where it states nothing. `coding_of` gives its terms over rows,
    `stated` what a fit to rows states, `beside` is the paper's model, or the headline's where `options` make the report
    go by the paper's."""
    options = options or AnalysisOptions()
    is_paper = options.model != HEADLINE
    if model.fit is None or model.statements.empty:
        return ()
    reported = Variant(REPORTED, model.n_rows, model.statements, model.fit)

    def fitted(name: str, rows: pd.DataFrame, fixed: pd.DataFrame | None = None) -> Variant:
        try:
            fit = _fit(rows, coding_of(rows), factors, bool(table.sources or table.roles), is_paper, fixed)
        except (NotCertified, InputFaults) as reason:
            return Variant(name, len(rows), why_not=str(reason))
        return Variant(name, len(rows), stated(fit, rows), fit)

    return (reported, *_variants(table, fitted, beside, options))


def merged_targets(rows: pd.DataFrame, target: pd.Series) -> pd.DataFrame:
    """The rows by a coarser `target` (n_rows,): the mean z of a run over the targets that are now one, standardised
    again."""
    cell = ["run_id", "target", *evaluation_columns(rows)]
    own = rows.assign(target=target)
    means = own.groupby(cell)["z"].mean().reset_index()
    by_target = means.groupby("target")["z"]
    means["z"] = (means["z"] - by_target.transform("mean")) / by_target.transform("std")
    return own.drop(columns="z").drop_duplicates(cell).merge(means, on=cell)


def not_robust(variants: Sequence[Variant]) -> dict[str, str]:
    """Of each effect that is significant as reported, under which variants it is not, or is of the other sign: `without
    gtzan and by the paper's model`; empty for those that stay under all that have a fit."""
    if not variants:
        return {}
    reported, *others = (one for one in variants if one.effects is not None)
    if not others:
        return {}
    now = [(one.name, _now(reported.effects, one)) for one in others]
    return fragile(reported_verdicts(reported.effects), now, "targets")


def moved(reported: pd.DataFrame, other: Variant) -> dict[str, str]:
    """The effects of which the variant says something else, and what: `higher → not significant`."""
    before, now = reported_verdicts(reported), _now(reported, other)
    return {
        effect: f"{verdict} → {now[effect]}"
        for effect, verdict in before.items()
        if effect in now and now[effect] != verdict
    }


def _now(reported: pd.DataFrame, other: Variant) -> Verdicts:
    """What a variant says of each effect, by its own adjusted p; without a target, of what is significant as reported,
    by the reach of the reported interval."""
    if other.effects is None:
        return {}
    own = reported_verdicts(other.effects)
    if not other.name.startswith(f"{WITHOUT} "):
        return own
    significant = reported[reported["p_adjusted"] < ALPHA]
    return {**own, **verdicts_without(significant, other.effects.set_index("effect")["estimate"])}


def summary(variants: Sequence[Variant]) -> pd.DataFrame:
    """A row a variant against what is reported: `variant, n_rows, largest_change` of an estimate, `se_ratio_low`,
    `se_ratio_high`, `p_change` (the largest), `moved` (which conclusions), or why there is no fit."""
    reported, rows = variants[0].effects, []
    if reported is None:
        return pd.DataFrame()
    for one in variants[1:]:
        if one.effects is None:
            rows.append((one.name, one.n_rows, np.nan, np.nan, np.nan, np.nan, f"no fit: {one.why_not}"))
            continue
        both = reported.merge(one.effects, on="effect", suffixes=("", "_now"))
        ratio = both["se_now"] / both["se"]
        change = (both["estimate_now"] - both["estimate"]).abs().max()
        of_p = (both["p_adjusted_now"] - both["p_adjusted"]).abs().max()
        changes = moved(reported, one)
        said = "; ".join(f"{effect}: {change}" for effect, change in changes.items()) or "none"
        rows.append((one.name, one.n_rows, change, ratio.min(), ratio.max(), of_p, said))
    columns = ["variant", "n_rows", "largest_change", "se_ratio_low", "se_ratio_high", "p_change", "moved"]
    return pd.DataFrame(rows, columns=columns)


def _variants(
    table: ResultsTable, fitted: Callable[..., Variant], beside: Model | None, options: AnalysisOptions
) -> Iterator[Variant]:
    rows = table.scores
    for target in table.targets if len(table.targets) > 2 or not table.roles else ():
        yield fitted(f"{WITHOUT} {target}", rows[rows["target"] != target])
    if len(table.targets) < 2:
        return
    if beside is not None:
        name = f"{BY} headline model" if options.model != HEADLINE else f"{BY} paper's model"
        effects = beside.statements if beside.fit else None
        yield Variant(name, beside.n_rows, effects, beside.fit, beside.why_not)
    of_target = pd.get_dummies(rows["target"], dtype=float, prefix="target", prefix_sep=".")
    centred_targets = of_target.iloc[:, 1:].sub(of_target.iloc[:, 0], axis=0)
    yield fitted(TARGET_INTERCEPTS, rows, centred_targets)
    one_of = {name: "+".join(group) for group in options.same_sound for name in group}
    merged = rows["target"].map(lambda name: one_of.get(name, name))
    if 1 < merged.nunique() < len(table.targets):
        yield fitted(MERGED, merged_targets(rows, merged))
    lost = table.missing[table.missing["target"].isin(table.targets)]
    if table.strategies:
        lost = lost[lost["strategy"].isin(table.strategies)]
    if len(lost):
        by_target = rows.groupby("target")["z"]
        for name, extreme in (("worst", by_target.min()), ("best", by_target.max())):
            filled = pd.concat([rows, lost.assign(z=lost["target"].map(extreme))], ignore_index=True)
            yield fitted(f"{FILLED} {name}", filled)


def _fit(
    rows: pd.DataFrame,
    coding: Coding,
    factors: Mapping[str, Sequence[Level]],
    sources_known: bool,
    is_paper: bool,
    fixed: pd.DataFrame | None,
) -> MixedFit:
    if fixed is not None:  # which leaves nothing for a random intercept of each target
        coding = replace(coding, random=tuple(term for term in coding.random if term != INTERCEPT))
    if not is_paper:
        return headline_fit(rows, centred(coding, rows["target"]), factors, sources_known, fixed=fixed)[0]
    columns = coding.columns if fixed is None else pd.concat([coding.columns, fixed], axis=1)
    return fit_mixed(rows["z"].to_numpy(), columns, random_terms(rows, coding))
