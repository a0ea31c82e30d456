"""A further factor of mean zero, and fine-tuning of mean zero: how often the headline calls them significant.

120 runs of the founding study's strategies on 7 targets, half of the residual variance shared by a run's scores. The
factor has two or three levels, which differ between targets with a standard deviation and not on average; `transfer`
is a factor of the evaluation, so that each run has a score at both of its levels.

Of the headline's first model only the factor's own family is judged, as `strategy_model` would judge it but for the
random draws of max-t, and in the closed form where there is one. The state is printed after every 100 studies of all
cells; the last one is the result.

    python benchmarks/factor_nulls.py [--studies 2000] [--kinds two three transfer]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from headline_nulls import N_TARGETS, plan
from scipy import stats

from analysis.fitting.balanced_layout import balanced_of
from analysis.fitting.mixed_model import STARTS
from analysis.fitting.mixed_problem import NotCertified, problem_of
from analysis.fitting.projected_newton import minimise
from analysis.fitting.random_terms import RandomTerm
from analysis.headline_terms import RandomPart
from analysis.models import headline_fit
from analysis.planning.simulation import planned_model, satterthwaite
from analysis.simultaneous import EACH, simultaneous
from study.core.coding import first_model
from study.core.factors import Level

DEVIATIONS = (0.0, 0.15, 0.25, 0.5)
N_RUNS, RUN_SD, RESIDUAL_SD = 120, 0.5, 0.5
STATE_EVERY = 100
START = 0.02
"""The variances over the residual's from which the closed form searches."""
SURE = 0.045
"""Two contrasts are significant where the least p value is below a half of this, whatever their correlation, and not
where it is 0.05 or more; what is between is judged by `simultaneous`."""
KINDS = {"two": ("activation", ["relu", "elu"]), "three": ("activation", ["relu", "gelu", "elu"]),
         "transfer": ("transfer", ["frozen", "fine-tune"])}  # fmt: skip


def drawn(kind: str, deviation: float, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """Runs, once for each level of `transfer` where that is the factor, and standardised scores (N_TARGETS, n)."""
    name, levels = KINDS[kind]
    runs = plan(rng)
    runs = runs.iloc[rng.choice(len(runs), N_RUNS, replace=False)].reset_index(drop=True)
    shared = RUN_SD * rng.standard_normal(N_RUNS)
    blocks = (
        [np.full(N_RUNS, k) for k in range(len(levels))] if kind == "transfer" else [np.arange(N_RUNS) % len(levels)]
    )
    y = []
    for _ in range(N_TARGETS):
        of_level = deviation * rng.standard_normal(len(levels))
        y.append(np.concatenate([of_level[k] + shared + RESIDUAL_SD * rng.standard_normal(N_RUNS) for k in blocks]))
    given = {f"factor.{name}": np.array(levels, dtype=object)[np.concatenate(blocks)]}
    runs = pd.concat([runs] * len(blocks), ignore_index=True).assign(**given)
    scores = np.array(y)
    return runs, (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, ddof=1, keepdims=True)


def judged(runs: pd.DataFrame, z: np.ndarray, factors: Mapping[str, Sequence[Level]]) -> tuple[bool, float] | None:
    """Whether the headline's first model states something of the factor, and the share of unadjusted intervals that
    have the truth, which is 0; None without a fit."""
    coding = first_model(runs, factors)
    model = planned_model(runs, coding, factors)
    columns, terms = model.over(model.columns, N_TARGETS), model.terms(N_TARGETS)
    weights = np.eye(columns.shape[1])[[str(term).startswith("factor.") for term in columns]]
    result = fitted_once(columns, terms, z, weights)
    if result is not None:
        least, covered = judged_alone(*result)
        if len(weights) == 1 or not SURE / 2.0 <= least < 0.05:
            return bool(least < (0.05 if len(weights) == 1 else SURE / 2.0)), covered
    rows = pd.DataFrame({"z": z.ravel()})
    try:
        fit, _ = headline_fit(rows, replace(coding, columns=columns), factors, True, part=RandomPart(tuple(terms)))
    except NotCertified:
        return None
    said = simultaneous(fit, weights, EACH)
    _, covered = judged_alone(*(said[name].to_numpy() for name in ("estimate", "se", "df")))
    return bool((said["p_adjusted"] < 0.05).any()), covered


def fitted_once(
    columns: pd.DataFrame, terms: Sequence[RandomTerm], z: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Estimates, standard errors and degrees of freedom of contrasts (m, p) by one search, and not three as in
    `fit_mixed`, in the closed form where there is one; None where its optimum is not certified."""
    y, design, start = z.reshape(1, -1), balanced_of(columns, terms), START
    if design is not None:
        response = design.response(y)
    else:
        try:
            problem = problem_of(y[0], columns, terms, True)
        except NotCertified:
            return None
        design, response, start = problem.design, problem.responses(y), STARTS[0]  # type: ignore[assignment]
    optimum = minimise(design, response, np.full((1, len(design.is_variance)), start))
    if not optimum.certified.all():
        return None
    estimate, se, df = satterthwaite(design, response, optimum.phi, weights)
    return estimate[0], se[0], df[0]


def judged_alone(estimate: np.ndarray, se: np.ndarray, df: np.ndarray) -> tuple[float, float]:
    """The least unadjusted p value, and the share of unadjusted intervals that have 0."""
    p = 2.0 * stats.t.sf(np.abs(estimate / se), df)
    return float(p.min()), float((p >= 0.05).mean())


def state(found: dict[tuple[str, float], list[tuple[bool, float]]], n_studies: int) -> None:
    """A row for each kind of factor and each deviation, with standard errors in brackets."""
    print("| factor | sd by target | studies | significant | coverage | no fit |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (kind, deviation), studies in found.items():
        mean, error = np.mean(studies, axis=0), np.std(studies, axis=0) / np.sqrt(len(studies))
        significant = f"{100 * mean[0]:.1f} % ({100 * error[0]:.1f})"
        coverage = f"{mean[1]:.3f} ({error[1]:.3f})"
        print(f"| {kind} | {deviation} | {n_studies} | {significant} | {coverage} | {n_studies - len(studies)} |")


def main() -> None:
    """All cells, one study of each after another."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    given = parser.parse_args()
    found: dict[tuple[str, float], list[tuple[bool, float]]]
    found = {(kind, deviation): [] for kind in given.kinds for deviation in DEVIATIONS}
    began = time.perf_counter()
    for study in range(given.studies):
        for (kind, deviation), studies in found.items():
            rng = np.random.default_rng([11, list(KINDS).index(kind), round(100 * deviation), study])
            name, levels = KINDS[kind]
            result = judged(*drawn(kind, deviation, rng), {name: levels})
            if result is not None:
                studies.append(result)
        if (study + 1) % STATE_EVERY == 0 or study + 1 == given.studies:
            state(found, study + 1)
            print(f"<!-- {time.perf_counter() - began:.0f} s -->", flush=True)


if __name__ == "__main__":
    main()
