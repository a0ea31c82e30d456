"""How often the size of the network is called significant where it has no effect, by the random terms of the model.

Studies of the plan in benchmarks/headline_nulls.py, drawn here as arrays and fitted many at once in the closed form:
strategies differ by chance between targets (0.15, slopes 0.03) and, in some rows, on average; and targets differ in
what the size of the network is worth to them.

    python benchmarks/size_nulls.py [--studies 2000]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from headline_nulls import RESIDUAL_VARIANCE, SLOPE_SD, STRATEGIES, STRATEGY_SD, plan, scores
from scipy import stats

from analysis.centring import centred
from analysis.fitting.mixed_problem import problem_of
from analysis.fitting.projected_newton import minimise
from analysis.fitting.random_terms import RandomTerm
from analysis.headline_terms import headline_terms
from analysis.planning.simulation import satterthwaite
from analysis.results_table import results_table
from study.core.coding import Coding, second_model

ROWS = {
    "nothing": (0.0, 0.0, 0.0),
    "runs share 0.3": (0.3, 0.0, 0.0),
    "strategies differ by 0.15 on average": (0.0, 0.15, 0.0),
    "strategies differ by 0.5 on average": (0.0, 0.5, 0.0),
    "targets differ by 0.3 in the slope": (0.0, 0.0, 0.3),
    "targets differ by 0.6 in the slope": (0.0, 0.0, 0.6),
    "all three, 0.1, 0.3 and 0.2": (0.1, 0.3, 0.2),
}
BATCH = 100


def drawn(rows: pd.DataFrame, setting: tuple[float, float, float], n_studies: int) -> np.ndarray:
    """Standardised scores (n_studies, n_rows) of rows sorted by target and run."""
    of_run, of_strategy, of_slope = setting
    rng, n_targets = np.random.default_rng(5), rows["target"].nunique()
    one = rows[: len(rows) // n_targets]
    strategy = one["strategy"].map(STRATEGIES.index).to_numpy()
    steps = np.where(one["strategy"] == "SS-R", 0, one["n_sources"] - 2)
    shape = (n_studies, n_targets, len(STRATEGIES))
    level = STRATEGY_SD * rng.standard_normal(shape) + of_strategy * rng.standard_normal((n_studies, 1, 6))
    slope = SLOPE_SD * rng.standard_normal(shape) + of_strategy / 5.0 * rng.standard_normal((n_studies, 1, 6))
    z = level[..., strategy] + slope[..., strategy] * steps
    z += of_slope * rng.standard_normal((n_studies, n_targets, 1)) * strategy / 5.0
    z += np.sqrt(of_run * RESIDUAL_VARIANCE) * rng.standard_normal((n_studies, 1, len(one)))
    z += np.sqrt((1.0 - of_run) * RESIDUAL_VARIANCE) * rng.standard_normal((n_studies, n_targets, len(one)))
    z = (z - z.mean(axis=2, keepdims=True)) / z.std(axis=2, ddof=1, keepdims=True)
    return z.reshape(n_studies, -1)


def called(rows: pd.DataFrame, coding: Coding, terms: tuple[RandomTerm, ...], z: np.ndarray) -> tuple[float, float]:
    """The share of studies in which r* is significant, and the median of its degrees of freedom."""
    design = problem_of(rows["z"].to_numpy(), coding.columns, terms, True).balanced
    if design is None:
        raise SystemExit("no closed form")
    of_size = np.eye(coding.columns.shape[1])[[list(coding.columns).index("r_star")]]
    p, df = [], []
    for first in range(0, len(z), BATCH):
        response = design.response(z[first : first + BATCH])
        start = np.full((len(response.rest), len(design.is_variance)), 0.02)
        found = minimise(design, response, start)
        kept = np.flatnonzero(found.certified)
        estimate, se, own = satterthwaite(design, response.take(kept), found.phi[kept], of_size)
        p.append(2.0 * stats.t.sf(np.abs(estimate / se), own))
        df.append(own)
    return float((np.concatenate(p) < 0.05).mean()), float(np.median(np.concatenate(df)))


def main() -> None:
    """A row for each truth, a column for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    n_studies = parser.parse_args().studies
    table = results_table(scores(plan(np.random.default_rng(2019)), 0, 0, np.random.default_rng(0)), {})
    rows = table.scores.sort_values(["target", "run_id"], kind="stable").reset_index(drop=True)
    coding = centred(second_model(rows, {}))
    headline = headline_terms(rows, coding, {}, True).terms
    plain = RandomTerm("target", headline[0].levels, coding.columns[list(coding.random)])
    without = tuple(term for term in headline if term.group not in ("target", "strategy", "target:strategy"))
    by_target = [term for term in headline if term.group == "target:strategy"]
    models = {"no strategies": (plain, *without), "by target": (plain, *without, *by_target), "headline": headline}
    print("| truth | " + " | ".join(models) + " | df of the headline |")
    print("| --- " * (len(models) + 2) + "|", flush=True)
    for truth, setting in ROWS.items():
        z = drawn(rows, setting, n_studies)
        found = [called(rows, coding, terms, z) for terms in models.values()]
        cells = [f"{100 * share:.1f} %" for share, _ in found]
        print(f"| {truth} | {' | '.join(cells)} | {found[-1][1]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
