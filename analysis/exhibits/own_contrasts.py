"""The study's own contrasts, of the named models and of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from analysis.contrasts import ALPHA, verdicts
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.fitted_model import Model
from analysis.fitting.mixed_model import MixedFit
from analysis.formulas.formula import known_columns, model_rows
from analysis.formulas.further_contrasts import CONTRAST_KEYS, contrasts_of, weights_of
from analysis.formulas.own_variants import without_targets
from analysis.report.phrases import note_on, size
from analysis.sensitivity import REPORTED, Variant, not_robust
from study.core.formula_grammar import parse


def exhibit(evidence: Evidence) -> Exhibit:
    """The contrasts as sentences and as a table."""
    return Exhibit("own_contrasts", "own", tuple(shown(evidence.models)), headline=tuple(sentences(evidence)))


def sentences(evidence: Evidence) -> Iterator[str]:
    """Each contrast with its interval, and whether it is robust."""
    for name, model in evidence.models.items():
        fragile = {} if model.no_verdicts else fragile_contrasts(evidence, model)
        for row in model.own_contrasts.itertuples():
            if row.why_not:
                yield f"Contrast {row.contrast} of model {name} is not estimable: {row.why_not}."
                continue
            if model.no_verdicts:
                yield f"Contrast {row.contrast} of model {name} is not tested, because {model.no_verdicts}."
                continue
            (verdict,) = verdicts(pd.Series([row.estimate]), pd.Series([row.p_adjusted]))
            adjusted = "" if row.adjustment == "none" else f" ({row.adjustment})"
            effect = size(row, row.p_adjusted, note_on(row.contrast, fragile))
            yield f"Contrast {row.contrast} of model {name} is {verdict}: {effect}{adjusted}."


def fragile_contrasts(evidence: Evidence, model: Model) -> dict[str, str]:
    """Of each significant contrast, under which other treatments of the scores it is not: those of the report's models
    (`analysis.sensitivity`); of the study's own models, each target left out."""
    own, judging = model.own_contrasts, evidence.options.judging
    if own.empty or model.fit is None or not (own["p_adjusted"] < ALPHA).any():
        return {}
    asked = weights_of(model.name, evidence.options.own.contrast)

    def stated(fit: MixedFit, rows: pd.DataFrame | None = None) -> pd.DataFrame:
        estimable = {
            name: weights
            for name, weights in asked.items()
            if all(term in fit.fixed_terms for term, weight in weights.items() if weight)
        }
        return contrasts_of(fit, estimable, judging) if estimable else pd.DataFrame(columns=reported.columns)

    reported = own.rename(columns={"contrast": "effect"}).dropna(subset=["estimate"])
    variants = [Variant(REPORTED, model.n_rows, reported, model.fit)]
    if model.given is None:
        others = next((own for own in evidence.variants.values() if own and own[0].fit is model.fit), ())[1:]
        fits = [(one, one.fit) for one in others if one.fit is not None]
        variants += [Variant(one.name, one.n_rows, stated(fit), fit) for one, fit in fits]
    else:
        columns = known_columns(evidence.table, evidence.levels)
        variants += without_targets(parse(model.given), model_rows(evidence.table), columns, stated)
    return not_robust(variants) if len(variants) > 1 else {}


def shown(models: Mapping[str, Model]) -> Iterator[Table]:
    """All contrasts as one table."""
    asked = [model.own_contrasts.assign(model=name) for name, model in models.items() if len(model.own_contrasts)]
    if asked:
        every = pd.concat(asked, ignore_index=True)
        gone = "; ".join(f"{row.contrast}: {row.why_not}" for row in every.itertuples() if row.why_not)
        note = "Intervals and p_adjusted are simultaneous (max-t) over the contrasts of a model; p_holm: Holm's method."
        note += f" Not estimable: {gone}." if gone else ""
        yield Table("own_contrasts", "The study's own comparisons", note, every[["model", *CONTRAST_KEYS, "p_holm"]])
