"""What was done, as a paragraph that can be pasted into a paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analysis.components import Components
from analysis.evidence import PAPER, Evidence
from analysis.exhibits.exhibit import Table
from analysis.fitting.engines import NATIVE
from analysis.fitting.mixed_model import FIT_AT_TOLERANCE
from analysis.fitting.random_terms import RandomTerm
from analysis.models import Model
from analysis.results_table import ResultsTable
from analysis.simultaneous import DRAWS
from analysis.wording import in_brief, listed
from study.core.version import __version__

NAMED_MODELS = {
    "treatments": "a fixed intercept and the treatments, centred, with those two-way interactions for which every "
    "combination of levels occurs and there are two units or more for each fixed term; random effects by target",
    "strategy": "an indicator of each strategy and, for each but SS-R, its product with n*, each a fixed effect with "
    "an independent random effect by target (Eq. 10-12)",
    "size": "a fixed intercept, and r*, n* and their product, each a fixed effect with an independent random slope by "
    "target (Eq. 13-16)",
}
MOST_NAMED = 1500
"""Characters of a list of terms."""
BY_TABLE = {
    "scores_by_transfer": "Runs were transferred to a target in two ways, by a probe on their frozen representation "
    "and, where there are track labels, by fine-tuning their network; scores were standardised over both, and the "
    "models have a random intercept for the run. Components, baselines and all comparisons of scores use the frozen "
    "scores only, standardised separately.",
    "within_source": "The spread among repeats of a single source is their pooled standard deviation divided by that "
    "of all scores on the target, with chi-squared intervals.",
    "spread_tests": "Whether the spread of the first model's residuals depends on the number of sources or on the "
    "strategy was tested on each target by the test of Brown and Forsythe (1974), with p adjusted by Holm's method "
    "over all of these tests; intervals for standard deviations are those of Bonett (2006).",
    "score_parts": "The variance of scores on single splits was partitioned by mean squares into combinations, runs "
    "within combinations, splits and a residual; reliability is that of a run's mean over the splits, with Feldt's "
    "(1965) interval.",
}
"""What was done for a table that is there."""


def methods_paragraph(evidence: Evidence, tables: Sequence[Table], versions: Mapping[str, str]) -> str:
    """Rows and exclusions, coding, each model with its convergence, inference, what else was worked out, versions."""
    models = tuple(evidence.models.values())
    return " ".join(
        (
            *_on_scores(evidence.table),
            *_on_models(models),
            *_on_inference(models),
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
    yield f"Result rows left out: {left_out or 'none'}."
    if len(table.baselines):
        yield f"{table.baselines['run_id'].nunique()} runs of baselines were also scored; they are in no model."
    yield (
        "Scores were standardised within their target by mean and sample deviation (n − 1). The number of sources n "
        "was coded as n* = 0 for SS-R and n − 2 for the other strategies, the size of the network as r* = 0, 0.2, 0.4, "
        "0.6, 0.8, 1 for SS-R, MS-SR@FC, MS-CR@6, MS-CR@4, MS-CR@2, MSS-CR (Kim et al. 2019, Eq. 10-16)."
    )


def _on_models(models: Sequence[Model]) -> Iterator[str]:
    (engine,) = {model.engine for model in models}
    how = "a projected Newton method from several starts" if engine == NATIVE else engine
    yield (
        f"Linear mixed models were fitted by restricted maximum likelihood with {how}; an optimum was accepted only "
        "with a vanishing Newton decrement, positive curvature in every free direction and gradients that point "
        "outwards at every variance of zero."
    )
    if engine != NATIVE:
        yield (
            f"The variances are those that {engine} ended at, accepted where one more Newton step promises to lower "
            f"the criterion by no more than {FIT_AT_TOLERANCE / 2:g}; estimates, standard errors and degrees of "
            "freedom were worked out there. Variance components, bootstrap refits and fits to parts of the scores are "
            "by a projected Newton method."
        )
    for model in models:
        groups = "".join(f"; {group}: {n}" for group, n in model.groups.items())
        yield f"Model {model.name}: {model.given or _in_words(model)} ({model.n_rows} rows{groups}); {_ended(model)}."


def _in_words(model: Model) -> str:
    """What stands in the formula of one of the named models."""
    factors = [term for term in model.coding.columns if term.startswith("factor.")]
    by_target = [str(name) for term in model.random_part for name in term.columns]
    slopes = [f"target, of {name}" for name in by_target if name.startswith("factor.")]
    shared = [_with_kinds(term) for term in model.random_part if term.group != "target"] + slopes
    left_out = [f"{term} ({why})" for term, why in model.coding.left_out.items()]
    omitted = [f"{term} ({why})" for term, why in model.omitted.items()]
    return NAMED_MODELS[model.name.removeprefix(PAPER)] + "".join(
        f"; {what} {in_brief(some, MOST_NAMED)}"
        for what, some in (
            ("fixed effects of", factors),
            ("independent random intercepts by", shared),
            ("left out were", left_out),
            ("random terms that the table does not bear:", omitted),
        )
        if some
    )


def _with_kinds(term: RandomTerm) -> str:
    kinds = [str(name) for name in term.columns]
    return term.group if kinds == ["intercept"] else f"{term.group} (a variance each for {listed(kinds)})"


def _ended(model: Model) -> str:
    if model.fit is None:
        return f"no fit is reported, because {model.why_not}"
    return f"converged, −2 log restricted likelihood {model.fit.criterion:.3f}, {model.singularity}"


def _on_inference(models: Sequence[Model]) -> Iterator[str]:
    yield (
        "Confidence intervals (95 %) and p values use Satterthwaite's degrees of freedom, with variances estimated "
        "at zero treated as known."
    )
    sizes: dict[str, int] = {}
    for model in models:
        sizes |= {family: n for family, n in model.statements["family"].value_counts(sort=False).items() if n > 1}
    if sizes:
        families = listed([f"{family} ({n})" for family, n in sizes.items()])
        yield (
            "Statements were judged in families by single-step (max-t) simultaneous intervals and p values (Hothorn, "
            f"Bretz and Westfall 2008; {DRAWS} draws of the multivariate t): {families}."
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
            f"Variance components of the sources were estimated within each of {n_fitted} targets, without SS-R, "
            "with strategies fixed and a random intercept for the presence of each source, by restricted maximum "
            "likelihood; the 95 % intervals of their percentages are from generalised pivots (Weerahandi 1993; Hannig, "
            "Iyer and Patterson 2006), with one degree of freedom for each source's variance."
        )
