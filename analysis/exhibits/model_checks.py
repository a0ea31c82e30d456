"""What the checks of the first model found: dependence, outlying runs and scores, influence, targets, other models."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.contrasts import ALPHA
from analysis.evidence import Evidence
from analysis.exhibits.exhibit import Exhibit, Table
from analysis.model_checks import PERMUTED, ModelChecks
from analysis.wording import listed, number, p_shown
from study.core.columns import FACTOR

NOTES = {
    "dependence": (
        "Do scores of one run depend on each other?",
        "Likelihood ratios of the first model without its variances of runs and combinations (restricted likelihood; "
        "a mixture of chi-squared distributions, since a variance cannot be negative), and how often scores permuted "
        "among the runs, within each target, agree as much over targets.",
    ),
    "comparison": (
        "Which model fits the scores best?",
        "Maximum likelihood; AIC counts fixed terms, variances and covariances, and the residual.",
    ),
    "runs": (
        "Runs that the others predict worst",
        "F of a run's deleted residuals, all its scores less what the other runs predict, at the fitted variances; p: "
        "twice the smaller of F's and of that of one shift of all its scores; p_adjusted: Holm over all runs. "
        "most_changed: the statement that changes most without the run; change_in_se: by how many standard errors.",
    ),
    "scores": (
        "Scores that the others predict worst",
        "F of each deleted residual, given the other scores of its run and target; p_adjusted: Holm over all scores.",
    ),
    "influence": (
        "What does each statement owe to a single run?",
        "The run whose removal changes the estimate most, at the fitted variances. depends_on_one_run: without some "
        "run, the interval of a significant statement has zero in it.",
    ),
    "targets": (
        "Do residuals look alike on every target?",
        "Residuals of the first model. p_normal: skewness and kurtosis (D'Agostino and Pearson 1973); p_spread: "
        "against the other targets (Brown and Forsythe 1974); both by Holm over the targets.",
    ),
}
MOST_NAMED = 5


def exhibit(evidence: Evidence) -> Exhibit:
    """The checks as tables and sentences."""
    checks = evidence.checks
    frames = {name: getattr(checks, name) for name in NOTES}
    tables = [Table(f"check_{name}", *NOTES[name], frame) for name, frame in frames.items() if len(frame)]
    unit = "unit" if evidence.table.roles else "run"
    return Exhibit("model_checks", "models", tuple(tables), tuple(sentences(checks, unit)))


def sentences(checks: ModelChecks, unit: str = "run") -> Iterator[str]:
    """What was found, and what was not; `unit` is what the scores of a run are called in this table."""
    several = len(checks.targets) != 1
    yield from _on_dependence(checks.dependence, unit)
    yield from _on_outliers(checks.runs, checks.scores, unit, several)
    yield from _on_influence(checks.influence, unit)
    yield from _on_targets(checks.targets)
    if len(checks.comparison) > 1:
        best, second = checks.comparison["model"][:2]
        ahead = number(checks.comparison["aic_difference"][1], 1)
        yield f"Of the models of these scores, {best} has the lowest AIC; the next is {second}, {ahead} above it."


def _on_dependence(dependence: pd.DataFrame, unit: str) -> Iterator[str]:
    if dependence.empty:
        return
    permuted = dependence["left_out"] == PERMUTED
    tests = [f"likelihood ratio, {p_shown(p)}" for p in dependence.loc[~permuted, "p"][:1]]
    tests += [f"scores permuted within targets, {p_shown(p)}" for p in dependence.loc[permuted, "p"]]
    first = dependence["p"].iloc[0]
    verdict = "depend on each other" if first < ALPHA else "do not detectably depend on each other"
    yield f"Scores of one {unit} {verdict} beyond the model's other terms ({'; '.join(tests)})."


def _on_outliers(runs: pd.DataFrame, scores: pd.DataFrame, unit: str, several: bool) -> Iterator[str]:
    if runs.empty or scores.empty:
        return
    odd_runs, odd_scores = runs[runs["p_adjusted"] < ALPHA], scores[scores["p_adjusted"] < ALPHA]
    named = [f"{run} ({p_shown(p)})" for run, p in zip(odd_runs["run_id"], odd_runs["p_adjusted"], strict=True)]
    cells = zip(odd_scores["run_id"], odd_scores["target"], odd_scores["p_adjusted"], strict=True)
    of_scores = [f"{run}{f' on {target}' if several else ''} ({p_shown(p)})" for run, target, p in cells]
    if not named and not of_scores:
        yield f"No {unit} and no single score is an outlier of the model (Holm over all of them)."
    if named:
        yield (
            f"These {unit}s differ significantly from what the other {unit}s predict (Holm over all {unit}s): "
            f"{_some(named)}."
        )
    if of_scores:
        yield f"These single scores are outliers (Holm over all scores): {unit} {_some(of_scores)}."


def _on_influence(influence: pd.DataFrame, unit: str) -> Iterator[str]:
    if influence.empty:
        return
    fragile = influence[influence["depends_on_one_run"]]
    if len(fragile):
        effects = [effect.replace(FACTOR, "") for effect in fragile["effect"]]
        yield f"Not significant without one single {unit}: {_some(effects)}."
    else:
        yield f"Leaving out any single {unit} makes no significant statement non-significant (variances as fitted)."


def _on_targets(targets: pd.DataFrame) -> Iterator[str]:
    if targets.empty:
        return
    odd = {
        "are not normal": list(targets.loc[targets["p_normal"] < ALPHA, "target"]),
        "spread differently": list(targets.loc[targets["p_spread"] < ALPHA, "target"]),
    }
    found = [f"{what} on {_some(names)}" for what, names in odd.items() if names]
    if len(targets) == 1:
        is_normal = not odd["are not normal"]
        yield "Residuals are normal, as far as can be detected." if is_normal else "Residuals are not normal."
    elif found:
        yield f"Residuals {' and '.join(found)} (Holm over the targets)."
    else:
        yield "Residuals are normal and spread alike on every target, as far as can be detected."


def _some(names: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - MOST_NAMED
    return listed(names) if more <= 0 else listed([*names[:MOST_NAMED], f"{more} more"])
