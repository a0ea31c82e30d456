"""The headline's families in 2,000 null studies a row: how often each states something, and how often intervals hold 0.

Studies of the plan in benchmarks/headline_nulls.py, drawn here as arrays and fitted many at once in the closed form.
Strategies and slopes differ between targets by chance (0.15 and 0.03) and not on average; runs and combinations share
a part of the residual variance, or combinations of one source have a deviation of their own. Each family's critical
value is taken once a row, at the middle of ten studies' variances, and not in every study as a report does it.

    python benchmarks/headline_families.py [--studies 2000]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from headline_nulls import RESIDUAL_VARIANCE, SLOPE_SD, STRATEGIES, STRATEGY_SD, plan, scores
from scipy import stats

from analysis.centring import centred
from analysis.fitting.mixed_model import fit_mixed
from analysis.fitting.mixed_problem import problem_of
from analysis.fitting.projected_newton import minimise
from analysis.fitting.random_terms import RandomTerm
from analysis.headline_terms import headline_terms
from analysis.planning.simulation import satterthwaite
from analysis.results_table import results_table
from analysis.simultaneous import correlation_of, critical_p
from analysis.statements import families_of
from study.core.coding import combination, first_model

ROWS = {
    "0, 0": (0.0, 0.0, 0.0), "0.1, 0": (0.1, 0.0, 0.0), "0.3, 0": (0.3, 0.0, 0.0), "0, 0.1": (0.0, 0.1, 0.0),
    "0.1, 0.1": (0.1, 0.1, 0.0), "0.3, 0.1": (0.3, 0.1, 0.0), "0, 0.3": (0.0, 0.3, 0.0), "0.1, 0.3": (0.1, 0.3, 0.0),
    "0.3, 0.3": (0.3, 0.3, 0.0), "SS-R combinations sd 0.5, others 0.15": (0.0, 0.04, 0.5),
}  # fmt: skip
"""Shares of runs and of combinations, and the deviation of combinations of one source where it is another."""
BATCH, SAMPLED = 100, 10


def drawn(rows: pd.DataFrame, setting: tuple[float, float, float], n_studies: int) -> np.ndarray:
    """Standardised scores (n_studies, n_rows) of rows sorted by target and run."""
    of_run, of_combination, single_sd = setting
    rng, n_targets = np.random.default_rng(7), rows["target"].nunique()
    one = rows[: len(rows) // n_targets]
    strategy, single = one["strategy"].map(STRATEGIES.index).to_numpy(), (one["strategy"] == "SS-R").to_numpy()
    steps = np.where(single, 0, one["n_sources"] - 2)
    made_of = pd.factorize(combination(one))[0]
    shape = (n_studies, n_targets, len(STRATEGIES))
    level, slope = STRATEGY_SD * rng.standard_normal(shape), SLOPE_SD * rng.standard_normal(shape)
    z = level[..., strategy] + slope[..., strategy] * steps
    z += np.sqrt(of_run * RESIDUAL_VARIANCE) * rng.standard_normal((n_studies, 1, len(one)))
    sd = np.where(single & (single_sd > 0.0), single_sd, np.sqrt(of_combination * RESIDUAL_VARIANCE))
    z += (sd * rng.standard_normal((n_studies, made_of.max() + 1))[:, made_of])[:, None]
    left = 1.0 - of_run - of_combination
    z += np.sqrt(left * RESIDUAL_VARIANCE) * rng.standard_normal((n_studies, n_targets, len(one)))
    z = (z - z.mean(axis=2, keepdims=True)) / z.std(axis=2, ddof=1, keepdims=True)
    return z.reshape(n_studies, -1)


def critical(columns: pd.DataFrame, terms: tuple[RandomTerm, ...], z: np.ndarray, weights: np.ndarray) -> float:
    """The middle of the critical p values of a few studies."""
    found = []
    for one in z[:SAMPLED]:
        fit = fit_mixed(one, columns, terms)
        slopes = np.einsum("mp,lpq,mq->ml", weights, fit.covariance_slopes, weights)
        of_variances = slopes @ fit.parameter_covariance @ slopes.T
        variance = weights @ fit.covariance @ weights.T
        df = 2.0 * np.diag(variance) ** 2 / np.diag(of_variances)
        found.append(critical_p(correlation_of(variance), correlation_of(of_variances), df, 0))
    return float(np.median(found))


def main() -> None:
    """A row for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    n_studies = parser.parse_args().studies
    table = results_table(scores(plan(np.random.default_rng(2019)), 0, 0, np.random.default_rng(0)), {})
    rows = table.scores.sort_values(["target", "run_id"], kind="stable").reset_index(drop=True)
    coding = centred(first_model(rows, {}))
    terms, columns = headline_terms(rows, coding, {}, True).terms, coding.columns
    fit = fit_mixed(rows["z"].to_numpy(), columns, terms)
    families = {family: np.array(list(members.values())) for family, members in families_of(fit, rows)}
    print("| run, combination | some pair | some slope | either | coverage: pairs, slopes | no fit |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    design = problem_of(rows["z"].to_numpy(), columns, terms, True).balanced
    if design is None:
        raise SystemExit("no closed form")
    for name, setting in ROWS.items():
        z, found = drawn(rows, setting, n_studies), {family: [] for family in families}
        limit = {family: critical(columns, terms, z, weights) for family, weights in families.items()}
        for first in range(0, n_studies, BATCH):
            response = design.response(z[first : first + BATCH])
            optimum = minimise(design, response, np.full((len(response.rest), len(design.is_variance)), 0.02))
            kept = np.flatnonzero(optimum.certified)
            for family, weights in families.items():
                estimate, se, df = satterthwaite(design, response.take(kept), optimum.phi[kept], weights)
                found[family].append(2.0 * stats.t.sf(np.abs(estimate / se), df))
        p = {family: np.concatenate(parts) for family, parts in found.items()}
        stated = {family: (one < limit[family]).any(axis=1) for family, one in p.items()}
        shares = [100.0 * one.mean() for one in (*stated.values(), np.any(list(stated.values()), axis=0))]
        coverage = ", ".join(f"{(one >= 0.05).mean():.3f}" for one in p.values())
        cells = [f"{share:.1f} %" for share in shares] + [coverage, str(n_studies - len(p[next(iter(p))]))]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
