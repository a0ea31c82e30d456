"""What the report shows of the study's own models and contrasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.exhibits.exhibit import Picture, Table
from analysis.models import Model
from analysis.report.fit_json import CONTRAST_KEYS
from analysis.report.tables import fixed, variances

QUESTION = "own"


def pictures(models: Sequence[Model]) -> Iterator[Picture]:
    """The effects of each model of a formula."""
    for model in models:
        if model.given is None:
            continue
        if model.fit is None:
            caption = f"Not drawn, for the model has no fit: {model.why_not}."
        else:
            left_out = "; ".join(f"{term} ({why})" for term, why in model.coding.left_out.items())
            caption = f"{model.given}. Fixed effects with 95 % Satterthwaite intervals"
            caption += "; thin: the bootstrap's." if model.refits else "."
            caption += f" Left out: {left_out}." if left_out else ""
        draw = partial(_effects, model) if model.fit is not None else None
        yield Picture(f"effects_{model.name}", f"Model {model.name}: effects", caption, draw, QUESTION)


def tables(models: Sequence[Model]) -> Iterator[Table]:
    """Effects and variances of each model of a formula, then the own contrasts of these and of the named models."""
    for model in models:
        if model.given is None or model.fit is None:
            continue
        correlations = model.fit.correlations()
        of_model = {
            "fixed": ("fixed effects", "Intervals and degrees of freedom: Satterthwaite.", fixed(model)),
            "random": ("variances", "A variance on the boundary is certified by its gradient.", variances(model)),
            "correlations": ("correlations of random coefficients", "None beside a variance of zero.", correlations),
        }
        for name, (title, note, frame) in of_model.items():
            if len(frame):
                yield Table(f"{model.name}_{name}", f"Model {model.name}: {title}", note, frame, question=QUESTION)
    asked = [model.own_contrasts.assign(model=model.name) for model in models if model.own_contrasts is not None]
    if asked:
        every = pd.concat(asked, ignore_index=True)
        gone = "; ".join(f"{row.contrast}: {row.why_not}" for row in every.itertuples() if row.why_not)
        note = "p adjusted over a model's comparisons here; intervals are of each by itself."
        note += f" Not told: {gone}." if gone else ""
        columns = ["model", *CONTRAST_KEYS]
        yield Table("own_contrasts", "The study's own comparisons", note, every[columns], question=QUESTION)


def _effects(model: Model) -> Figure:
    """Each fixed effect with its interval, a line a term."""
    effects = model.fixed.iloc[::-1]
    figure = Figure(figsize=(7.0, 1.0 + 0.28 * len(effects)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0.0, color="#999999", linewidth=0.8)
    axes.hlines(effects["term"], effects["ci_low"], effects["ci_high"], color="#0072B2", linewidth=1.8)
    axes.plot(effects["estimate"], effects["term"], "o", color="#0072B2", markersize=5.5)
    if model.refits:
        axes.hlines(effects["term"], effects["bootstrap_low"], effects["bootstrap_high"], color="black", linewidth=0.7)
    axes.set(xlabel="standardised score", ylim=(-0.6, len(effects) - 0.4))
    axes.grid(axis="y", visible=False)
    return figure
