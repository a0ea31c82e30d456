"""What was done, as a paragraph that can be pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analysis.components import Components
from analysis.evidence import PAPER, Evidence
from analysis.exhibits.exhibit import Table
from analysis.fitted_model import Model
from analysis.fitting.engines import NATIVE
from analysis.fitting.mixed_model import FIT_AT_TOLERANCE
from analysis.fitting.random_terms import RandomTerm
from analysis.results_table import ResultsTable
from analysis.simultaneous import DRAWS
from analysis.wording import in_brief, listed
from study.core.columns import FACTOR
from study.core.version import __version__

NAMED_MODELS = {
    "treatments": "a fixed intercept and centred fixed effects of the treatments, with random effects by target; "
    "two-way interactions are included if every combination of levels occurs and there are at least two units for each "
    "fixed term",
    "strategy": "a mean for each strategy and, for several sources, a slope on n*; each is a fixed effect with an "
    "independent random effect by target (Eq. 10-12)",
    "size": "a fixed intercept, and fixed effects of r*, n* and their product, each with an independent random slope "
    "by target (Eq. 13-16)",
}
CENTRED_BY_TARGET = ("strategy", "size")
LESS_MEANS = "; by target, effects are of columns less their means over the target's rows, as standardised scores are"
MOST_NAMED = 1500
"""Characters of a list of terms."""
BY_TABLE = {
    "scores_by_transfer": "Runs were transferred to a target in several ways: by a probe on the frozen representation "
    "and, where tracks have labels, by training the network.",
    "scores_by_probe": "Representations were evaluated by several probes.",
    "scores_by_pca": "Representations were also evaluated by their first principal components, fitted on the probe's "
    "training part: a control for their different numbers of dimensions.",
    "scores_by_readout": "Networks were read out at several stages.",
    "within_source": "The spread among replicates of a single source is their pooled standard deviation divided by "
    "that of all scores on the target, with chi-squared intervals.",
    "spread_tests": "The test of Brown and Forsythe (1974) was applied to the first model's residuals on each target, "
    "to see whether their spread depends on the number of sources or on the strategy; p values were adjusted over all "
    "tests by Holm's method. Intervals for standard deviations are those of Bonett (2006).",
    "score_parts": "The variance of scores on single splits was partitioned by mean squares into combinations, runs "
    "within combinations, splits and a residual. Reliability refers to a run's mean over the splits; its interval is "
    "Feldt's (1965).",
}
"""What was done for a table that is there."""


def methods_paragraph(evidence: Evidence, tables: Sequence[Table], versions: Mapping[str, str]) -> str:
    """Rows and exclusions, coding, each model with its convergence, inference, what else was worked out, versions."""
    models = tuple(evidence.models.values())
    return " ".join(
        (
            *_on_scores(evidence.table),
            *_on_models(models),
            *_on_inference(models, evidence.options.families),
            *_on_components(tuple(evidence.components.values())),
            *(BY_TABLE[one.name] for one in tables if one.name in BY_TABLE),
            f"All fits were computed with representation-study {__version__} "
            f"({', '.join(f'{name} {number}' for name, number in versions.items())}).",
        )
    )


def _on_scores(table: ResultsTable) -> Iterator[str]:
    scores, runs = table.scores, table.runs
    metrics = table.moments.groupby("metric", sort=False).groups
    by_metric = "; ".join(f"{metric}: {listed(list(targets))}" for metric, targets in metrics.items())
    per_score = sorted(scores["n_scores"].unique().tolist())
    averaged = (
        f"the mean of {per_score[0]}" if len(per_score) == 1 else f"the mean of {per_score[0]} to {per_score[-1]}"
    )
    how = "one evaluation" if per_score == [1] else f"{averaged} evaluations (repeats or folds)"
    scored = f"units ({table.roles.unit_called})" if table.roles else "learned representations"
    yield (
        f"{len(runs)} {scored} were scored on {len(table.targets)} targets, which gave {len(scores)} "
        f"scores, each {how} of the primary metric of its target ({by_metric})."
    )
    left_out = "; ".join(f"{reason}: {count}" for reason, count in table.excluded.items())
    yield f"Rows left out: {left_out or 'none'}."
    if len(table.baselines):
        yield f"{table.baselines['run_id'].nunique()} baselines were also scored; no model includes them."
    sizes = ", ".join(f"{one.size:g}" for one in table.known.values())
    yield (
        "Scores were standardised within each target to a mean of 0 and a sample standard deviation of 1. The number "
        f"of sources n was coded as n* = 0 for {table.single} and n* = n − 2 for the other strategies. The size of the "
        f"network was coded as r* = {sizes} for {', '.join(table.known)} (Kim et al. 2019, Eq. 10-16)."
    )
    if table.evaluation_levels and table.shares_runs:
        reference = listed([f"{name} = {levels[0]}" for name, levels in table.evaluation_levels.items()])
        yield (
            "Scores of all settings of the evaluation were standardised together, and the models have a random "
            "intercept for the run. Components, baselines and comparisons of scores use only the scores at "
            f"{reference}, standardised separately."
        )


def _on_models(models: Sequence[Model]) -> Iterator[str]:
    (engine,) = {model.engine for model in models}
    how = "a projected Newton method from several starts" if engine == NATIVE else engine
    yield (
        f"Linear mixed models were fitted by restricted maximum likelihood with {how}. An optimum was accepted only "
        "if the Newton decrement vanished, the curvature was positive in every free direction, and no variance at "
        "zero could increase the likelihood by becoming positive."
    )
    if engine != NATIVE:
        yield (
            f"The variances are those at which {engine} stopped. They were accepted if one more Newton step would "
            f"lower the criterion by no more than {FIT_AT_TOLERANCE / 2:g}. Estimates, standard errors and degrees of "
            "freedom were computed at these variances. Variance components, bootstrap refits and fits to parts of the "
            "scores used a projected Newton method."
        )
    for model in models:
        groups = "".join(f"; {group}: {n}" for group, n in model.groups.items())
        yield f"Model {model.name}: {model.given or _in_words(model)} ({model.n_rows} rows{groups}); {_ended(model)}."


def _in_words(model: Model) -> str:
    """What stands in the formula of one of the named models."""
    factors = [term for term in model.coding.columns if term.startswith(FACTOR)]
    by_target = [str(name) for term in model.random_part for name in term.columns]
    slopes = [f"target, of {name}" for name in by_target if name.startswith(FACTOR)]
    shared = [_with_kinds(term) for term in model.random_part if term.group != "target"] + slopes
    left_out = [f"{term} ({why})" for term, why in model.coding.left_out.items()]
    omitted = [f"{term} ({why})" for term, why in model.omitted.items()]
    centred = LESS_MEANS if model.name in CENTRED_BY_TARGET else ""
    return (
        NAMED_MODELS[model.name.removeprefix(PAPER)]
        + centred
        + "".join(
            f"; {what} {in_brief(some, MOST_NAMED)}"
            for what, some in (
                ("fixed effects of", factors),
                ("independent random intercepts by", shared),
                ("left out were", left_out),
                ("random terms that these runs cannot estimate:", omitted),
            )
            if some
        )
    )


def _with_kinds(term: RandomTerm) -> str:
    kinds = [str(name) for name in term.columns]
    alike = kinds == ["intercept"] or term.tied
    return term.group if alike else f"{term.group} (with its own variance for each of {listed(kinds)})"


def _ended(model: Model) -> str:
    if model.fit is None:
        return f"no fit is reported, because {model.why_not}"
    return f"converged, −2 log restricted likelihood {model.fit.criterion:.3f}, {model.singularity}"


def _on_inference(models: Sequence[Model], n_families: int) -> Iterator[str]:
    yield (
        "Confidence intervals (95 %) and p values use Satterthwaite's degrees of freedom; variances estimated at zero "
        "were treated as known."
    )
    sizes: dict[str, int] = {}
    for model in models:
        sizes |= {family: n for family, n in model.statements["family"].value_counts(sort=False).items() if n > 1}
    if sizes:
        families = listed([f"{family} ({n})" for family, n in sizes.items()])
        yield (
            "Intervals and p values are simultaneous within each family of statements, by the single-step (max-t) "
            f"method (Hothorn, Bretz and Westfall 2008; {DRAWS} draws of the multivariate t). Families, with their "
            f"numbers of statements: {families}."
        )
    if n_families > 1:
        yield (
            f"Since no family had an adjusted p below 0.05 / {n_families}, intervals and p values were also adjusted "
            "for the number of families (Bonferroni)."
        )
    for model in models:
        if model.refits is not None:
            yield (
                f"Percentile intervals of model {model.name} come from {len(model.refits.estimate)} parametric "
                f"bootstrap refits ({model.refits.n_uncertified} more did not converge and were left out)."
            )


def _on_components(components: Sequence[Components]) -> Iterator[str]:
    n_fitted = sum(one.fit is not None for one in components)
    if n_fitted:
        yield (
            f"Variance components of the sources were estimated by restricted maximum likelihood within each of "
            f"{n_fitted} targets, without single-source runs, with fixed strategies and a random intercept for the "
            "presence of each source. The 95 % intervals of their percentages are from generalised pivots (Weerahandi "
            "1993; Hannig, Iyer and Patterson 2006), with one degree of freedom for each source's variance."
        )
