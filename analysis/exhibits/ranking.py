"""What was compared, ranked by its estimated mean, with letters for groups that are not significantly different."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from analysis.contrasts import ALPHA
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import COLOUR, panels
from analysis.letters import compact_letters
from analysis.models import Model

NAME, TITLE = "ranking", "Ranking"
GROUPS = (
    "Means that share a letter do not differ significantly, by the simultaneous 95 % intervals of all pairs; the 95 % "
    "interval of each mean is its own, so that overlapping intervals are no verdict."
)


def exhibit(evidence: Evidence) -> Exhibit:
    """The ranking by the first model."""
    model = evidence.strategy
    found = ranking(model)
    if len(found) < 2:
        why = "the model has no fit" if model.fit is None else "the model estimates fewer than two means"
        return Exhibit("ranking", "strategies", (Picture(NAME, TITLE, f"Not drawn: {why}.", None),))
    at = f" at n* = {model.mean_n_star:.2f} (SS-R at 0)" if model.mean_n_star else ""
    picture = Picture(NAME, TITLE, f"Estimated marginal means{at}, the highest first. {GROUPS}", lambda: _draw(found))
    return Exhibit("ranking", "strategies", (picture, Table(NAME, TITLE, GROUPS, found)))


def ranking(model: Model) -> pd.DataFrame:
    """`rank`, what is ranked (the column of `model.means`), `estimate, ci_low, ci_high, letters`, the highest first."""
    if model.means.empty:
        return pd.DataFrame()
    means = model.means.sort_values("estimate", ascending=False, kind="stable").reset_index(drop=True)
    key = means.columns[0]
    pairs = model.contrasts_of_means if len(model.contrasts_of_means) else model.contrasts
    significant = set(pairs.loc[pairs["p_adjusted"] < ALPHA, "contrast"]) if len(pairs) else set()
    names = list(means[key])
    different = [
        frozenset((a, b))
        for position, a in enumerate(names)
        for b in names[:position]
        if {f"{a} - {b}", f"{b} - {a}"} & significant
    ]
    letters = compact_letters(names, different)
    ranked = means[[key, "estimate", "ci_low", "ci_high"]].assign(letters=means[key].map(letters))
    ranked.insert(0, "rank", range(1, len(ranked) + 1))
    return ranked


def _draw(ranked: pd.DataFrame) -> Figure:
    longest = max(map(len, ranked.iloc[:, 1]))
    figure, (axes,) = panels(1, width=4.6 + 0.05 * longest, height=0.7 + 0.3 * len(ranked))
    for y, (_, name, mean, low, high, letters) in enumerate(ranked.itertuples(index=False)):
        colour = COLOUR.get(name, "#0072B2")
        axes.plot([low, high], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt")
        axes.plot(mean, y, "o", color=colour, markersize=6.0)
        axes.annotate(letters, (1.01, y), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
    axes.set_yticks(range(len(ranked)), ranked.iloc[:, 1])
    axes.set_ylim(len(ranked) - 0.5, -0.5)
    axes.set_xlabel("standardised score")
    axes.grid(axis="y", visible=False)
    return figure
