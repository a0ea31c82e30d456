"""How often the checks of the models find that scores of one run depend on each other, and outlying runs.

Studies of the paper's size from benchmarks/headline_nulls.py. Runs share no part of the residual variance, or a tenth;
then one run is moved by three residual deviations on every target, and it is counted how often it is named, and others.

    python benchmarks/dependence.py [--studies 200] [--first 0]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from headline_nulls import RESIDUAL_VARIANCE, plan, scores

from analysis.contrasts import holm
from analysis.dependence import likelihood_ratios, permutation_p
from analysis.fitting.deletion import deletions
from analysis.models import strategy_model
from analysis.results_table import results_table

SHARES = (0.0, 0.1)
SHIFT = 3.0


def found(share: float, planted: bool, study: int, runs: pd.DataFrame) -> dict[str, float]:
    """Whether each check finds something in one study."""
    rng = np.random.default_rng([11, int(100 * share), study])
    rows = scores(runs, share, 0.0, rng)
    odd = str(rng.choice(runs["run_id"]))
    rows.loc[rows["run_id"] == odd, "score"] += planted * SHIFT * np.sqrt(RESIDUAL_VARIANCE)
    table = results_table(rows, {})
    model = strategy_model(table, {})
    if model.fit is None:
        raise SystemExit(model.why_not)
    without = deletions(model.fit, table.scores["run_id"].to_numpy())
    p = holm(np.minimum(2.0 * np.minimum(without.p, without.shift_p), 1.0))
    named = set(without.units[p < 0.05])
    result = {"planted run named": float(odd in named), "another run named": float(bool(named - {odd}))}
    if not planted:
        result["likelihood ratio"] = float(likelihood_ratios(model.fit)["p"].iloc[0] < 0.05)
        result["permutation"] = float(permutation_p(table.scores, model.coding.columns, rng) < 0.05)
    return result


def main() -> None:
    """A row for each share, with and without a planted run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    runs, columns = plan(np.random.default_rng(2019)), ("likelihood ratio", "permutation", "planted run named")
    print("| share of runs | planted | likelihood ratio | permutation | planted run named | another run named |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for share in SHARES:
        for planted in (False, True):
            began = time.perf_counter()
            each = [found(share, planted, given.first + study, runs) for study in range(given.studies)]
            cells = [np.mean([one[name] for one in each]) if name in each[0] else np.nan for name in columns]
            cells.append(np.mean([one["another run named"] for one in each]))
            shown = " | ".join("" if np.isnan(cell) else f"{100 * cell:.1f} %" for cell in cells)
            print(f"| {share} | {'yes' if planted else 'no'} | {shown} |")
            print(f"<!-- {given.studies} studies in {time.perf_counter() - began:.0f} s -->", flush=True)


if __name__ == "__main__":
    main()
