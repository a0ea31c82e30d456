"""What came of fitting the first model under other treatments: sentences, a figure, tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Picture, Table
from analysis.figures import panels, shared_legend
from analysis.fitting.inference import fixed_effects
from analysis.robustness import WITHOUT, counted
from analysis.sensitivity import (
    BY,
    FILLED,
    MERGED,
    REPORTED,
    TARGET_INTERCEPTS,
    Variant,
    moved,
    summary,
)
from analysis.wording import called, listed, number
from study.core.coding import strategy_of
from study.core.columns import FACTOR

LOOKS = {
    REPORTED: ("#000000", "D", 5.0),
    WITHOUT: ("#56B4E9", "o", 2.8),
    BY: ("#D55E00", "s", 3.6),
    TARGET_INTERCEPTS: ("#009E73", "^", 3.6),
    MERGED: ("#E69F00", "P", 3.6),
    FILLED: ("#CC79A7", "v", 3.6),
}
"""Colour, marker and size, by how a variant's name begins."""
SHARED_NAME = {WITHOUT: "without one target", FILLED: "missing scores: worst, best"}
CHANGES_SHOWN = 4


def sentences(variants: Sequence[Variant]) -> Iterator[str]:
    """Whether conclusions change: one sentence each on single targets, grouping, standardising and missing scores."""
    if not variants:
        return
    reported, n = variants[0].effects, len(variants[0].effects)
    kinds = {start: [one for one in variants if one.name.startswith(start)] for start in LOOKS}
    rows = summary(variants).set_index("variant")
    if kinds[WITHOUT]:
        yield f"Leaving out one target at a time {_on_changes(reported, kinds[WITHOUT], n)}."
    for one in kinds[BY]:
        if one.effects is None:
            yield f"{_capital(one.name)}, no effect is estimable: {one.why_not}."
            continue
        row = rows.loc[one.name]
        yield (
            f"Refitting {one.name} {_on_changes(reported, [one], n)}. Effects differ by at most "
            f"{number(row.largest_change)} SD and adjusted p values by at most {number(row.p_change)}; standard errors "
            f"are {row.se_ratio_low:.2f} to {row.se_ratio_high:.2f} times as large."
        )
    for one in kinds[TARGET_INTERCEPTS]:
        yield (
            "Adding a fixed intercept per target, which accounts for the means removed by standardising, "
            f"{_on_changes(reported, [one], n)}."
        )
    for one in kinds[MERGED]:
        yield f"Taking targets that share their sound as one {_on_changes(reported, [one], n)}."
    if kinds[FILLED]:
        n_missing = kinds[FILLED][0].n_rows - variants[0].n_rows
        yield (
            f"Replacing the {n_missing} missing scores by the worst or by the best score of their target "
            f"{_on_changes(reported, kinds[FILLED], n)}."
        )


def exhibit(evidence: Evidence) -> Exhibit:
    """The first model under other treatments of the same scores."""
    variants = evidence.variants[evidence.main[0].name]
    said = (*sentences(variants), *on_one_sound(evidence))
    return Exhibit("sensitivity", "models", tuple(shown(variants)), said)


def on_one_sound(evidence: Evidence) -> Iterator[str]:
    """That all targets are of the same sound, so that none would be left to compare if they were merged."""
    targets = evidence.table.targets
    if any(set(targets) <= set(group) for group in evidence.options.same_sound):
        yield (
            f"All {len(targets)} targets share their sound, so they cannot be merged for a check: statements about "
            "other targets hold for other labels of such sound."
        )


def shown(variants: Sequence[Variant]) -> Iterator[Picture | Table]:
    """Every fixed effect under every variant as a picture, a summary to read, and the numbers behind it."""
    name, title = "sensitivity", "The first model under other treatments"
    if not variants:
        yield Picture(name, title, "Not drawn: the first model has no effects to compare.", None)
        return
    fitted = [one for one in variants if one.fit is not None]
    caption = (
        "Estimates with unadjusted 95 % Satterthwaite intervals: as reported, without each target in turn, from the "
        "other model, with a fixed intercept per target, with targets that share their sound (if any) merged, and with "
        "missing scores (if any) replaced by the worst and by the best score of their target."
    )
    yield Picture(name, title, caption, lambda: _draw(fitted))
    note = (
        "Compared with the first model as reported: largest change of a slope or of a difference between strategies, "
        "smallest and largest ratio of standard errors, largest change of an adjusted p value, and the effects whose "
        "verdict changes (moved). Without a target, a significant effect is judged by the width of its reported "
        "interval."
    )
    yield Table(name, title, note, summary(variants))
    fixed = pd.concat([fixed_effects(one.fit).assign(variant=one.name) for one in fitted], ignore_index=True)
    effects = pd.concat([one.effects.assign(variant=one.name) for one in fitted], ignore_index=True)
    yield Table("sensitivity_fixed", "Fixed effects under each", "", _variant_first(fixed), on_page=False)
    yield Table("sensitivity_effects", "Slopes and differences under each", "", _variant_first(effects), on_page=False)


def _on_changes(reported: pd.DataFrame, variants: Sequence[Variant], n_effects: int) -> str:
    """`changes none of n conclusions`, or which, under which variants."""
    without_fit = [one.name for one in variants if one.effects is None]
    by_effect: dict[str, dict[str, list[str]]] = {}
    for one in variants:
        for effect, verdict in moved(reported, one).items():
            by_effect.setdefault(effect, {}).setdefault(verdict, []).append(one.name)
    absent = f" (no certified fit {listed(without_fit)})" if without_fit else ""
    if len(without_fit) == len(variants):
        return "gives no fit"
    if not by_effect:
        return f"changes none of {n_effects} conclusions{absent}"
    changes = [
        f"{called(effect)} {verdict}" + (f" ({listed(counted(names))})" if len(variants) > 1 else "")
        for effect, verdicts in by_effect.items()
        for verdict, names in verdicts.items()
    ]
    more = f"; and {len(changes) - CHANGES_SHOWN} more" if len(changes) > CHANGES_SHOWN else ""
    turned = any({"higher", "lower"} == set(verdict.split(" → ")) for one in by_effect.values() for verdict in one)
    return (
        f"changes {len(by_effect)} of {n_effects} conclusions{absent}, {'one or more' if turned else 'none'} of them "
        f"to the opposite sign: {'; '.join(changes[:CHANGES_SHOWN])}{more}"
    )


def _draw(variants: Sequence[Variant]) -> Figure:
    shown = _panels(variants[0].fit.fixed_terms)
    figure, panel = panels(len(shown), width=5.2, height=3.4)
    handles: dict[str, object] = {}
    for axes, (title, label, some) in zip(panel, shown, strict=True):
        axes.axhline(0.0, color="#999999", linewidth=0.8)
        for position, one in enumerate(variants):
            start = next(start for start in LOOKS if one.name.startswith(start))
            colour, marker, size = LOOKS[start]
            here = fixed_effects(one.fit).set_index("term").reindex(some)
            x = [at + 0.8 * (position / max(len(variants) - 1, 1) - 0.5) for at in range(len(some))]
            axes.vlines(x, here["ci_low"], here["ci_high"], color=colour, linewidth=0.9)
            (points,) = axes.plot(x, here["estimate"], marker, color=colour, markersize=size)
            handles.setdefault(SHARED_NAME.get(start, one.name), points)
        names = [strategy_of(term) if term.startswith("strategy[") else term.removeprefix(FACTOR) for term in some]
        axes.set_xticks(range(len(some)), names, rotation=30)
        axes.grid(axis="x", visible=False)
        axes.set(title=title, ylabel=label)
    shared_legend(figure, handles)
    return figure


def _panels(terms: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Title, axis and terms of each panel: strategies and their slopes, or the effects of treatments."""
    changes = "change of standardised score"
    if not any(term.startswith("strategy[") for term in terms):
        return [("Effects of treatments", changes, [term for term in terms if term.count(FACTOR) == 1])]
    named = [term for term in terms if not term.startswith(FACTOR)]
    slopes = [term for term in named if term.endswith(":n_star")]
    means = [term for term in named if term not in slopes]
    shown = [("Strategy, with two sources (a single source: one)", "standardised score", means)]
    return shown + ([("Each further source", changes, slopes)] if slopes else [])


def _variant_first(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["variant", *frame.columns.drop("variant")]]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
