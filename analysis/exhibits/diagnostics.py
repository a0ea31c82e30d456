"""Whether residuals and random effects look as a model assumes, and the scores as it simulates them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from analysis.contrasts import ALPHA
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels
from analysis.fitted_model import Model
from analysis.fitting.bootstrap import simulate_responses
from analysis.fitting.conditional import fitted, modes
from analysis.fitting.mixed_model import MixedFit
from analysis.wording import listed, number, p_shown

SIMULATIONS = 250


@dataclass(frozen=True)
class Diagnostics:
    """Of a fit with n rows: `fitted`, `residual` and `quantile` (n,), and the random effects over their own deviations,
    `effect`; `ks` is the largest distance of the quantiles from a uniform distribution, `ks_p` how often simulated
    scores are as far from it."""

    name: str
    fitted: np.ndarray
    residual: np.ndarray
    quantile: np.ndarray
    effect: np.ndarray
    ks: float
    ks_p: float


def diagnose(name: str, fit: MixedFit, rng: np.random.Generator) -> Diagnostics:
    """Residuals given the random effects, and simulated quantiles: the rank of each score among what the model
    simulates for its row, random effects drawn anew (Dunn and Smyth 1996; Hartig's DHARMa).

    Scores of a target share its random effects, so that quantiles are not independent, and a table of the Kolmogorov
    and Smirnov statistic does not hold: its p is its rank among those of the simulated scores themselves.
    """
    scores = np.vstack([fit.y, simulate_responses(fit, SIMULATIONS, rng)])
    quantile = (scores.argsort(axis=0).argsort(axis=0) + 0.5) / len(scores)
    distance = _from_uniform(quantile)
    value, found = fitted(fit), modes(fit)
    deviation = found.merge(fit.random_table(), on=["group", "term"])["sd"].to_numpy()
    effect = found["mode"].to_numpy()[deviation > 0.0] / deviation[deviation > 0.0]
    return Diagnostics(
        name, value, fit.y - value, quantile[0], effect, float(distance[0]), float((distance >= distance[0]).mean())
    )


def exhibit(evidence: Evidence) -> Exhibit:
    """Residuals, random effects and simulated quantiles of the models that the report goes by."""
    rng = np.random.default_rng(evidence.diagnostics_seed)
    found = [diagnose(name, fit, rng) for name, fit in evidence.fits.items()]
    items = shown(evidence.table.scores, evidence.main, found)
    return Exhibit("diagnostics", "models", tuple(items), tuple(sentences(found)))


def shown(table: pd.DataFrame, models: Sequence[Model], found: Sequence[Diagnostics]) -> Iterator[Picture | Table]:
    """A picture a model, and each score's residuals; `table` names the rows."""
    for model in models:
        name, title = f"diagnostics_{model.name}", f"Residuals of model {model.name}"
        own = next((one for one in found if one.name == model.name), None)
        if own is None:
            yield Picture(name, title, f"Not drawn: the model has no fit, because {model.why_not}.", None)
            continue
        caption = (
            "From left to right: (1) residuals against fitted values, with a running mean; (2) normal quantile plot "
            "of the residuals; (3) normal quantile plot of the random effects, each divided by its standard deviation "
            "(shrinkage makes the slope less than 1); (4) quantile of each score among "
            f"{SIMULATIONS} simulations of the model, against uniform quantiles (Kolmogorov-Smirnov "
            f"D = {own.ks:.3f}, p = {own.ks_p:.3f}, by simulation)."
        )
        yield Picture(name, title, caption, partial(_draw, own))
    columns = {f"{part}_{one.name}": getattr(one, part) for one in found for part in ("fitted", "residual", "quantile")}
    if columns:
        rows = table[["run_id", "target", "z"]].assign(**columns)
        yield Table("residuals", "Residuals", "One row per score.", rows, on_page=False)


def sentences(found: Sequence[Diagnostics]) -> Iterator[str]:
    """Whether the scores look like what the models simulate."""
    if not found:
        return
    odd = [one for one in found if one.ks_p < ALPHA]
    tests = listed([f"model {one.name}: D = {number(one.ks, 3)}, {p_shown(one.ks_p)}" for one in found])
    names = listed([one.name for one in odd])
    verdict = "The distribution of the scores does not differ significantly from what the models simulate"
    if odd:
        simulated = f"the models {names} simulate" if len(odd) > 1 else f"the model {names} simulates"
        verdict = f"The distribution of the scores differs significantly from what {simulated}"
    yield f"{verdict} (Kolmogorov-Smirnov test; {tests})."


def _from_uniform(quantile: np.ndarray) -> np.ndarray:
    """Kolmogorov and Smirnov's distance (m,) of quantiles (m, n) from a uniform distribution."""
    ordered, n = np.sort(quantile, axis=1), quantile.shape[1]
    above = np.arange(1, n + 1) / n - ordered
    return np.maximum(above, 1.0 / n - above).max(axis=1)


def _draw(found: Diagnostics) -> Figure:
    figure, (of_fitted, of_residual, of_effect, of_quantile) = panels(4, width=2.9, height=2.8)
    _points(of_fitted, found.fitted, found.residual)
    order = np.argsort(found.fitted)
    pieces = np.array_split(order, min(20, max(len(order) // 10, 1)))
    means = [[found.fitted[piece].mean(), found.residual[piece].mean()] for piece in pieces]
    of_fitted.axhline(0.0, color="#999999", linewidth=0.8)
    of_fitted.plot(*np.transpose(means), color="#D55E00")
    of_fitted.set(title="residuals", xlabel="fitted", ylabel="residual")
    for axes, title, values in (
        (of_residual, "residuals", found.residual / found.residual.std()),
        (of_effect, "random effects", found.effect),
    ):
        normal = stats.norm.ppf((np.arange(len(values)) + 0.5) / len(values))
        _points(axes, normal, np.sort(values))
        axes.axline((0.0, 0.0), slope=1.0, color="#D55E00", linewidth=1.0)
        axes.set(title=title, xlabel="normal quantile", ylabel="observed, over its deviation")
    if not len(found.effect):
        of_effect.text(0.05, 0.9, "all variances are zero", transform=of_effect.transAxes)
    uniform = (np.arange(len(found.quantile)) + 0.5) / len(found.quantile)
    _points(of_quantile, uniform, np.sort(found.quantile))
    of_quantile.axline((0.0, 0.0), slope=1.0, color="#D55E00", linewidth=1.0)
    of_quantile.set(title="simulated quantiles", xlabel="uniform quantile", ylabel="observed")
    return figure


def _points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    axes.plot(x, y, "o", color="#0072B2", markersize=2.4, alpha=0.5, markeredgewidth=0, rasterized=True)
