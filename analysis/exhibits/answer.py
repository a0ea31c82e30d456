"""The answer at a glance: a verdict on every question that the exhibits state something about, and one figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.against_baselines import FAMILY as BASELINES
from analysis.contrasts import HIGHER, LOWER, NOT_SIGNIFICANT
from analysis.equivalence import BEYOND, UNDECIDED, WITHIN, equivalence, margins
from analysis.evidence import Evidence
from analysis.exhibits.equivalence_report import margin_shown
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.exhibits.ranking import rankings
from analysis.questions import question_of
from analysis.results_table import ResultsTable
from analysis.wording import called, number, p_value
from study.pages.figures import PageFigure

NAME = "answer"
COLUMNS = [
    "question",
    "answer",
    "detail",
    "effect",
    "size",
    "in_own_units",
    "interval",
    "p_adjusted",
    "p_holm",
    "robust",
]
COLOUR = {HIGHER: "#0072B2", LOWER: "#D55E00", NOT_SIGNIFICANT: "#777777"}
ROWS_A_FAMILY = 6
WIDTH, ROW, ABOVE, BELOW = 4.4, 0.19, 0.26, 0.26
"""Inches: of the figure, of a row, above the rows of a question for its title, and below them for the scale."""
LONGEST_NAME = 30


def exhibit(evidence: Evidence, others: Sequence[Exhibit]) -> Exhibit:
    """The verdicts of the `others` as a table and a figure."""
    stated = [one.verdicts for one in others if len(one.verdicts)]
    if not stated:
        return Exhibit(NAME, evidence.question)
    verdicts = pd.concat(stated, ignore_index=True)
    note = (
        "One row per question: the effect with the smallest adjusted p of its family, with simultaneous 95 % intervals "
        "and max-t p values within the family, Holm's p beside. One SD is the standard deviation of the scores on a "
        "target. Robust: significant without each target (of sources: without each strategy) at the width of the "
        "reported interval, by the other model and with target intercepts."
    )
    caption = (
        "Effects in SD with simultaneous 95 % intervals, up to six of each question, those with the smallest adjusted "
        "p. Filled: significant. Each question has a scale of its own."
        + (
            f" Shaded: within {margin_shown(evidence.options.margin, evidence.table)}."
            if evidence.options.margin
            else ""
        )
    )
    table = pd.DataFrame(list(_rows(evidence, verdicts)), columns=COLUMNS)
    picture = Picture(NAME, "Effects at a glance", caption, lambda: _draw(evidence, verdicts))
    every = Table("statements", "All statements", "", verdicts, on_page=False)
    said = tuple(on_families(evidence.options.families))
    return Exhibit(NAME, evidence.question, (Table(NAME, "Verdicts", note, table), picture, every), headline=said)


def on_families(n: int) -> Iterator[str]:
    """That families were judged together, if they were."""
    if n > 1:
        yield (
            f"No effect is significant among all {n} families of statements. Within its own family some effect is, as "
            "happens by chance with so many. Intervals and p values are therefore adjusted for the families, too."
        )


def _rows(evidence: Evidence, verdicts: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for family, rows in verdicts.groupby("family", sort=False):
        if family != BASELINES:
            details = [_excluded(rows), _on_margin(evidence, rows), *_on_highest(evidence, str(family))]
            said = ". ".join(filter(None, details))
            yield (question_of(str(family)), _answer(rows), said, *_clearest(evidence, rows))
            continue
        for position in rows.index:
            one = rows.loc[[position]]
            verdict, details = one["verdict"].iloc[0], [_excluded(one), _on_margin(evidence, one)]
            said = {HIGHER: "Yes", LOWER: "No: it scores lower"}.get(verdict, "Not detectably")
            question = f"Does training help, compared with {one['effect'].iloc[0]}?"
            yield (question, said, ". ".join(filter(None, details)), *_clearest(evidence, one))


def _answer(rows: pd.DataFrame) -> str:
    """`Yes: 3 of 5`, or `Not detectably: 0 of 5`."""
    significant, n = rows.loc[rows["verdict"] != NOT_SIGNIFICANT, "verdict"], len(rows)
    of = f": {len(significant)} of {n}" if n > 1 else ""
    if significant.empty:
        return f"Not detectably{of}"
    kinds = set(significant)
    way = f", {kinds.pop()}" if len(kinds) == 1 else ", some higher and some lower"
    return f"Yes{of}{way}"


def _excluded(rows: pd.DataFrame) -> str:
    """What the intervals rule out where nothing is significant."""
    if (rows["verdict"] != NOT_SIGNIFICANT).any():
        return ""
    return f"More than {number(float(rows[['ci_low', 'ci_high']].abs().max(axis=None)))} SD is excluded"


def _on_margin(evidence: Evidence, rows: pd.DataFrame) -> str:
    margin, table = evidence.options.margin, evidence.table
    if margin is None:
        return ""
    found = equivalence(rows, margin, table.moments)["equivalence"]
    beyond, undecided, n = (found == BEYOND).sum(), (found == UNDECIDED).sum(), len(found)
    if (found == WITHIN).all():
        return f"None is larger than {margin_shown(margin, table)}"
    parts = [f"{beyond} of {n}"] * bool(beyond) + [f"undecided for {undecided} of {n}"] * bool(undecided)
    return f"Larger than {margin_shown(margin, table)}: {', '.join(parts)}"


def _on_highest(evidence: Evidence, family: str) -> Iterator[str]:
    ranked = rankings(evidence).get(family, pd.DataFrame())
    if len(ranked) < 2:
        return
    best = ranked.iloc[0]
    alike = sum(bool(set(letters) & set(best["letters"])) for letters in ranked["letters"][1:])
    rest = f", not significantly above {alike} of {len(ranked) - 1} others" if alike else ", significantly above all"
    yield f"Highest mean: {best['level']}{rest if best['letters'] else ''}"


def _clearest(evidence: Evidence, rows: pd.DataFrame) -> tuple[str, ...]:
    """From `effect` on: the statement of the family with the smallest adjusted p."""
    one = _by_evidence(rows).iloc[0]
    return (
        called(one["effect"]),
        f"{signed(one['estimate'])} SD",
        own_units(evidence.table, float(one["estimate"]), one["target"]),
        f"{number(one['ci_low'])} to {number(one['ci_high'])}",
        p_value(one["p"]),
        p_value(one["p_holm"]),
        _robust(rows[rows["verdict"] != NOT_SIGNIFICANT], one["robust"]),
    )


def _robust(significant: pd.DataFrame, own: str) -> str:
    """`yes`, `no; without gtzan it is not`, `2 of 3`, or nothing where that was not looked at; `own` is that of the
    statement that is shown."""
    looked_at = significant["robust"] != ""
    if not looked_at.any():
        return ""
    n = len(significant)
    said = f"{(significant['robust'] == 'yes').sum()} of {n}" if n > 1 else own.partition(":")[0]
    why = own.removeprefix("no: ")
    return f"{said}; {why} it is not" if own.startswith("no: ") else said


def _by_evidence(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by adjusted p, equal ones by the size of the effect against its interval."""
    reach = rows["estimate"].abs() / (rows["ci_high"] - rows["ci_low"])
    return rows.assign(reach=-reach).sort_values(["p", "reach"], kind="stable").drop(columns="reach")


def signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{number(value)}"


def own_units(table: ResultsTable, estimate: float, target: str) -> str:
    """An effect in the unit of each metric, over the targets that have it: `0.02 to 0.11 accuracy; 0.05 r2`."""
    moments = table.moments if not target else table.moments.loc[[target]]
    parts = []
    for metric, sd in moments.groupby("metric", sort=False)["sd"]:
        low, high = sorted((estimate * sd.min(), estimate * sd.max()), key=abs)
        least, most = (f"{one:.2g}".replace("-", "\N{MINUS SIGN}") for one in (low, high))
        parts.append(f"{least} {metric}" if least == most else f"{least} to {most} {metric}")
    return "; ".join(parts)


def _draw(evidence: Evidence, verdicts: pd.DataFrame) -> Figure:
    """Panels one below the other, laid out in inches: names to the left, numbers to the right of every interval."""
    families = list(verdicts.groupby("family", sort=False))
    shown = [(str(family), rows.loc[sorted(_by_evidence(rows).index[:ROWS_A_FAMILY])]) for family, rows in families]
    height = sum(ABOVE + ROW * len(rows) + BELOW for _, rows in shown) + BELOW
    figure = PageFigure(figsize=(WIDTH, height))
    longest = max(len(_short(effect)) for _, rows in shown for effect in rows["effect"])
    left = 0.15 + 0.066 * longest  # 8 pt letters
    top = height
    for family, rows in shown:
        top -= ABOVE + ROW * len(rows)
        place = (left / WIDTH, top / height, (WIDTH - left - 0.55) / WIDTH, ROW * len(rows) / height)
        axes = figure.add_axes(place)
        _forest(axes, rows)
        if evidence.options.margin is not None:
            reach = float(margins(evidence.options.margin, rows["target"], evidence.table.moments).min())
            axes.axvspan(-reach, reach, color="#009E73", alpha=0.15, linewidth=0, zorder=0)
        n = int((verdicts["family"] == family).sum())
        title = question_of(family) + (f" ({len(rows)} of {n})" if n > len(rows) else "")
        figure.text(0.06 / WIDTH, (top + ROW * len(rows) + 0.06) / height, title, fontsize=9.0, fontweight="bold")
        top -= BELOW
    axes.set_xlabel("effect in SD")
    return figure


def _forest(axes: Axes, rows: pd.DataFrame) -> None:
    axes.axvline(0.0, color="#999999", linewidth=0.8)
    for y, row in enumerate(rows.itertuples()):
        colour = COLOUR[row.verdict]
        face = "white" if row.verdict == NOT_SIGNIFICANT else colour
        axes.plot([row.ci_low, row.ci_high], [y, y], color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot(row.estimate, y, "o", color=colour, markersize=5.0, markerfacecolor=face)
        axes.annotate(
            signed(row.estimate),
            (1.03, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8.0,
            annotation_clip=False,
        )
    axes.set_yticks(np.arange(len(rows)), [_short(effect) for effect in rows["effect"]], fontsize=8.0)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(axis="x", labelsize=8.0)
    axes.grid(axis="y", visible=False)


def _short(effect: str) -> str:
    name = called(effect)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"
