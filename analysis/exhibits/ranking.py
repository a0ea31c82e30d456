"""What was compared, ranked by its estimated mean, with letters for groups that are not significantly different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd
from matplotlib.figure import Figure

from analysis.contrasts import ALPHA
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import colours_of, panels
from analysis.fitted_model import Model
from analysis.letters import compact_letters
from analysis.statements import PAIRS
from analysis.treatment_statements import compared_levels
from study.core.columns import factor_column

NAME, TITLE = "ranking", "Ranking"
COLUMNS = ["ranked", "rank", "level", "estimate", "ci_low", "ci_high", "letters"]
GROUPS = (
    "Means that share a letter do not differ significantly, by the simultaneous 95 % intervals of all pairs; the 95 % "
    "interval of each mean is its own, so that overlapping intervals are no verdict. Without letters, levels were not "
    "compared with each other."
)


def exhibit(evidence: Evidence) -> Exhibit:
    """The strategies ranked by the first model, or the levels of each treatment by theirs."""
    found = {name: one for name, one in rankings(evidence).items() if len(one) > 1}
    if not found:
        why = "no model estimates two means or more that can be compared"
        return Exhibit(NAME, evidence.question, (Picture(NAME, TITLE, f"Not drawn: {why}.", None),))
    at = evidence.main[0].mean_n_star
    where = f" at n* = {at:.2f} ({evidence.table.single} at 0)" if at else ""
    caption = f"Estimated marginal means{where}, the highest first. {GROUPS}"
    every = pd.concat([one.assign(ranked=name) for name, one in found.items()], ignore_index=True)[COLUMNS]
    picture = Picture(NAME, TITLE, caption, lambda: _draw(list(found.values()), colours_of(evidence.table.known)))
    return Exhibit(NAME, evidence.question, (picture, Table(NAME, TITLE, GROUPS, every)))


def rankings(evidence: Evidence) -> Mapping[str, pd.DataFrame]:
    """By the family of statements that compares them: `rank, level, estimate, ci_low, ci_high, letters`, the highest
    first."""
    model = evidence.main[0]
    if model.means.empty:
        return {}
    if not evidence.table.roles:
        return {PAIRS: of_strategies(model)}
    return {factor_column(name): _of_treatment(model, str(name), own) for name, own in model.means.groupby("treatment")}


def of_strategies(model: Model) -> pd.DataFrame:
    """The ranking of the strategies, where their means were taken."""
    pairs = model.contrasts_of_means if len(model.contrasts_of_means) else model.contrasts
    p = {frozenset(row.contrast.split(" - ")): row.p_adjusted for row in pairs.itertuples()}
    return _ranked(model.means.rename(columns={"strategy": "level"}), {} if model.no_verdicts else p)


def _of_treatment(model: Model, name: str, means: pd.DataFrame) -> pd.DataFrame:
    adjusted = model.statements.set_index("effect")["p_adjusted"]
    pairs = compared_levels(name, list(means["level"]))
    p = {frozenset(pair): adjusted[effect] for effect, pair in pairs.items() if effect in adjusted}
    return _ranked(means, {} if model.no_verdicts else p)


def _ranked(means: pd.DataFrame, p: Mapping[frozenset[str], float]) -> pd.DataFrame:
    """Without letters where some pair has no `p` (adjusted)."""
    ranked = means.sort_values("estimate", ascending=False, kind="stable").reset_index(drop=True)
    names: Sequence[str] = list(map(str, ranked["level"]))
    pairs = [frozenset(pair) for pair in combinations(names, 2)]
    letters = dict.fromkeys(names, "")
    if all(pair in p for pair in pairs):
        letters |= compact_letters(names, [pair for pair in pairs if p[pair] < ALPHA])
    found = ranked[["level", "estimate", "ci_low", "ci_high"]].assign(letters=[letters[name] for name in names])
    found.insert(0, "rank", range(1, len(found) + 1))
    return found


def _draw(every: Sequence[pd.DataFrame], colours: Mapping[str, str]) -> Figure:
    most = max(map(len, every))
    longest = max(len(str(level)) for one in every for level in one["level"])
    figure, axes = panels(len(every), width=4.2 + 0.05 * longest, height=0.8 + 0.27 * most, per_row=2)
    for one, ranked in zip(axes, every, strict=True):
        for y, (_, name, mean, low, high, letters) in enumerate(ranked.itertuples(index=False)):
            colour = colours.get(name, "#0072B2")
            one.plot([low, high], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt")
            one.plot(mean, y, "o", color=colour, markersize=6.0)
            one.annotate(letters, (1.01, y), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
        one.set_yticks(range(len(ranked)), [str(level) for level in ranked["level"]])
        one.set_ylim(len(ranked) - 0.5, -0.5)
        one.set_xlabel("standardised score")
        one.grid(axis="y", visible=False)
    return figure
