"""The study's own models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from matplotlib.figure import Figure

from analysis.contrasts import ALPHA
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table, picture_of_model
from analysis.figures import panels
from analysis.fitted_model import Model
from analysis.fitting.mixed_model import MixedFit
from analysis.report.phrases import size
from analysis.wording import in_brief, listed, number
from study.core.model_matrix import INTERCEPT

ROOM = 280
"""Characters of a list in a sentence."""
ON_MEANS = "Combinations of the levels of other factors count the same; numbers are at their means."
ON_PAIRS = "Intervals and p_adjusted are simultaneous (max-t) over the pairs of a factor; robust: without each target."


def exhibit(evidence: Evidence) -> Exhibit:
    """Effects and variances of each model of a formula."""
    return Exhibit("own_models", "own", tuple(shown(evidence.own)), headline=tuple(sentences(evidence.own)))


def sentences(models: Sequence[Model]) -> Iterator[str]:
    """How each model ended, with its significant terms, and the means and pairs that were asked for."""
    for model in models:
        if model.fit is None:
            yield f"Model {model.name} ({model.given}) has no fit: {model.why_not}."
            continue
        terms = model.fixed[(model.fixed["p"] < ALPHA) & (model.fixed["term"] != INTERCEPT)]
        found = listed([f"{row.term} {size(row, row.p)}" for row in terms.itertuples()])
        yield f"Significant terms of model {model.name} ({model.given}), without adjustment: {found or 'none'}."
        yield from _on_means(model)


def _on_means(model: Model) -> Iterator[str]:
    """The marginal means that were asked for, and which pairs of them differ."""
    for factor, own in model.means.groupby("treatment", sort=False) if len(model.means) else ():
        shown = [
            f"{row.level} {number(row.estimate)} ({number(row.ci_low)} to {number(row.ci_high)})"
            for row in own.dropna(subset=["estimate"]).itertuples()
        ]
        yield f"Model {model.name}, means of {factor} in SD with 95 % intervals: {in_brief(shown, ROOM)}."
    for factor, own in model.statements.groupby("family", sort=False) if len(model.statements) else ():
        some = own[own["p_adjusted"] < ALPHA]
        notes = some["robust"].str.partition(":")[0].map({"yes": "; robust", "no": "; not robust", "": ""})
        pairs = [
            f"{row.effect} {size(row, row.p_adjusted, note)}"
            for row, note in zip(some.itertuples(), notes, strict=True)
        ]
        said = f"differ significantly: {in_brief(pairs, ROOM)}" if pairs else "differ significantly"
        yield f"Model {model.name}: {len(some)} of {len(own)} pairs of {factor} {said}."


def shown(models: Sequence[Model]) -> Iterator[Picture | Table]:
    """Pictures, then tables, of the models of formulas."""
    for model in models:
        caption = f"{model.given}. Fixed effects with 95 % Satterthwaite intervals."
        title = f"Model {model.name}: effects"
        yield picture_of_model(f"effects_{model.name}", title, model, caption, partial(effect_lines, model))
    for model in models:
        if model.fit is not None:
            yield from _tables(model, model.fit)


def _tables(model: Model, fit: MixedFit) -> Iterator[Table]:
    of_model = {
        "means": ("marginal means", ON_MEANS, model.means),
        "pairs": ("pairs of marginal means", ON_PAIRS, model.statements),
        "fixed": ("fixed effects", "Intervals and degrees of freedom are Satterthwaite's.", model.fixed),
        "random": ("variances", "A variance on the boundary is exactly zero, certified by its gradient.", model.random),
        "correlations": ("correlations of random coefficients", "None where a variance is zero.", fit.correlations()),
    }
    for name, (title, note, frame) in of_model.items():
        if len(frame):
            yield Table(f"{model.name}_{name}", f"Model {model.name}: {title}", note, frame)


def effect_lines(model: Model) -> Figure:
    """Each fixed effect with its interval, a line a term."""
    effects = model.fixed.iloc[::-1]
    figure, (axes,) = panels(1, width=7.0, height=1.0 + 0.28 * len(effects))
    axes.axvline(0.0, color="#999999", linewidth=0.8)
    axes.hlines(effects["term"], effects["ci_low"], effects["ci_high"], color="#0072B2", linewidth=1.8)
    axes.plot(effects["estimate"], effects["term"], "o", color="#0072B2", markersize=5.5)
    if model.refits:
        axes.hlines(effects["term"], effects["bootstrap_low"], effects["bootstrap_high"], color="black", linewidth=0.7)
    axes.set(xlabel="standardised score", ylim=(-0.6, len(effects) - 0.4))
    axes.grid(axis="y", visible=False)
    return figure
