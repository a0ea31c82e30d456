"""How each target differs in the effects of strategies and sources: random effects one by one, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy import stats

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels
from analysis.fitted_model import Model
from analysis.fitting.conditional import modes
from analysis.fitting.inference import LEVEL
from analysis.fitting.mixed_model import MixedFit


def effects_by_target(fit: MixedFit) -> pd.DataFrame:
    """`target, term, mode, se, low, high`: best linear unbiased predictions with 95 % intervals.

    `se` has what the scores of the target leave open, given the fixed effects and the variances, as lme4's; that of
    these estimates it has not, so that intervals are somewhat short. All zero where the variance is.
    """
    found = modes(fit)
    found = found[found["group"] == "target"]
    reach = stats.norm.ppf(0.5 + LEVEL / 2.0) * found["se"]
    columns = ["level", "term", "mode", "se"]
    return (
        found[columns].rename(columns={"level": "target"}).assign(low=found["mode"] - reach, high=found["mode"] + reach)
    )


def exhibit(evidence: Evidence) -> Exhibit:
    """Random effects by target of the models that the report goes by."""
    return Exhibit("caterpillar", "models", tuple(shown(evidence.main)))


def shown(models: Sequence[Model]) -> Iterator[Picture | Table]:
    """A picture and a table a model."""
    for model in models:
        name, title = f"targets_{model.name}", f"How targets differ in the effects of model {model.name}"
        if model.fit is None:
            yield Picture(name, title, f"Not drawn: the model has no fit, because {model.why_not}.", None)
            continue
        effects = effects_by_target(model.fit)
        caption = (
            "Best linear unbiased predictions of the random effects, sorted, with 95 % intervals. The intervals "
            "ignore the uncertainty of the fixed effects and of the variances. Terms with zero variance are not drawn."
        )
        varying = effects[effects["se"] > 0.0]
        yield Picture(
            name,
            title,
            caption if len(varying) else "Not drawn: all variances by target are zero.",
            partial(_draw, varying) if len(varying) else None,
        )
        yield Table(
            name,
            title,
            "Standard errors and intervals ignore the uncertainty of the fixed effects and the variances.",
            effects,
            on_page=False,
        )


def _draw(effects: pd.DataFrame) -> Figure:
    terms = list(dict.fromkeys(effects["term"]))
    n_targets = effects["target"].nunique()
    figure, axes = panels(len(terms), height=0.9 + 0.17 * n_targets)
    for one, term in zip(axes, terms, strict=True):
        rows = effects[effects["term"] == term].sort_values("mode")
        one.axvline(0.0, color="#999999", linewidth=0.8)
        one.hlines(rows["target"], rows["low"], rows["high"], color="#0072B2", linewidth=1.2)
        one.plot(rows["mode"], rows["target"], "o", color="#0072B2", markersize=4)
        one.xaxis.set_major_locator(MaxNLocator(4))  # labels of three decimals are wide
        one.set_title(term)
    return figure
