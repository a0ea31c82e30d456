"""How often the checks of the models find that scores of one run depend on each other, and outlying runs.

Studies of the paper's size from benchmarks/headline_nulls.py. Runs share no part of the residual variance, or a tenth.
In further studies one run is moved by three residual deviations on every target: how often is it named, or another?

    python benchmarks/dependence.py [--studies 2000] [--fewer 300]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
from headline_nulls import RESIDUAL_VARIANCE, plan, scores

from analysis.centring import centred
from analysis.contrasts import holm
from analysis.dependence import likelihood_ratios, permutation_p
from analysis.fitting.deletion import deletions
from analysis.fitting.mixed_model import MixedFit
from analysis.models import headline_fit
from analysis.results_table import results_table
from study.core.coding import first_model

SHARES = (0.0, 0.1)
SHIFT = 3.0


def fitted(rows: pd.DataFrame) -> tuple[pd.DataFrame, MixedFit]:
    """The standardised scores, and the headline's first model of them."""
    rows = results_table(rows, {}).scores
    return rows, headline_fit(rows, centred(first_model(rows, {}), rows["target"]), {}, True)[0]


def detected(share: float, study: int, runs: pd.DataFrame) -> tuple[bool, bool]:
    """Whether the likelihood ratio and the permutation find dependence within runs."""
    rng = np.random.default_rng([11, int(100 * share), study])
    rows, fit = fitted(scores(runs, share, 0.0, rng))
    ratio = float(likelihood_ratios(fit)["p"].iloc[0])
    return ratio < 0.05, permutation_p(rows, fit.fixed, rng) < 0.05


def named(share: float, planted: bool, study: int, runs: pd.DataFrame) -> tuple[bool, bool]:
    """Whether the planted run is named as outlying, and whether another one is."""
    rng = np.random.default_rng([12, int(100 * share), study])
    rows = scores(runs, share, 0.0, rng)
    odd = str(rng.choice(runs["run_id"]))
    rows.loc[rows["run_id"] == odd, "score"] += planted * SHIFT * np.sqrt(RESIDUAL_VARIANCE)
    rows, fit = fitted(rows)
    without = deletions(fit, rows["run_id"].to_numpy())
    p = holm(np.minimum(2.0 * np.minimum(without.p, without.shift_p), 1.0))
    found = set(without.units[p < 0.05])
    return odd in found, bool(found - {odd})


def percentages(found: list[tuple[bool, bool]]) -> str:
    """Of the two, with the number of studies."""
    first, second = 100.0 * np.mean(found, axis=0)
    return f"{first:.1f} % | {second:.1f} % | {len(found)}"


def main() -> None:
    """A table on dependence and one on outlying runs, printed every 100 studies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000, help="in which runs share nothing")
    parser.add_argument("--fewer", type=int, default=300, help="of each other kind")
    given = parser.parse_args()
    runs = plan(np.random.default_rng(2019))
    print("| share of runs | likelihood ratio | permutation | studies |", flush=True)
    for share, n in zip(SHARES, (given.studies, given.fewer), strict=True):
        _counted(f"| {share}", n, lambda study, share=share: detected(share, study, runs))
    print("| share of runs, planted | planted run named | another run named | studies |", flush=True)
    for share in SHARES:
        for planted in (False, True):
            _counted(
                f"| {share}, {'yes' if planted else 'no'}",
                given.fewer,
                lambda study, share=share, planted=planted: named(share, planted, study, runs),
            )


def _counted(start: str, n: int, of_study: Callable[[int], tuple[bool, bool]]) -> None:
    found: list[tuple[bool, bool]] = []
    for study in range(n):
        found.append(of_study(study))
        if len(found) % 100 == 0 or len(found) == n:
            print(f"{start} | {percentages(found)} |", flush=True)


if __name__ == "__main__":
    main()
