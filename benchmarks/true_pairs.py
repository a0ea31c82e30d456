"""True differences that are found: by the headline's max-t intervals, and by the paper's model with Holm's method.

Studies of the plan in benchmarks/headline_nulls.py with nothing shared by runs or combinations, where the paper's model
holds but for the standardising. On average strategies and slopes differ as the paper found; with a step, strategies
differ by it from one to the next.

    python benchmarks/true_pairs.py [--studies 150] [--step 0.12]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from headline_nulls import STRATEGIES, plan, scores

from analysis.fitted_model import Fitting
from analysis.models import paper_strategy_model, strategy_model
from analysis.planning.truth import SLOPE_EFFECT, STRATEGY_EFFECTS
from analysis.results_table import results_table
from analysis.simultaneous import Judging


def added(rows: pd.DataFrame, step: float | None) -> np.ndarray:
    """What strategies and numbers of sources add to the scores on average."""
    strategy = rows["strategy"]
    if step is not None:
        return step * strategy.map(STRATEGIES.index).to_numpy()
    sloped = ~strategy.isin(["SS-R", "MS-SR@FC"])
    return strategy.map(STRATEGY_EFFECTS).to_numpy() + np.where(sloped, SLOPE_EFFECT * (rows["n_sources"] - 2), 0.0)


def main() -> None:
    """Mean numbers of pairs found in a study, of 30: 15 at n* = 0 and 15 at the mean."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=150)
    parser.add_argument("--step", type=float)
    given = parser.parse_args()
    runs = plan(np.random.default_rng(2019))
    found = []
    for study in range(given.studies):
        rows = scores(runs, 0.0, 0.0, np.random.default_rng([17, study]))
        rows["score"] += added(rows, given.step)
        table = results_table(rows, {})
        of = [
            model(table, {}, Fitting(judging=Judging(study))).statements
            for model in (strategy_model, paper_strategy_model)
        ]
        headline, paper = (one[one["family"] == "strategies"] for one in of)
        larger = headline["estimate"] > 0, paper["estimate"] > 0
        found.append([
            ((headline["p_adjusted"] < 0.05) & larger[0]).sum(),
            ((paper["p_holm"] < 0.05) & larger[1]).sum(),
            ((paper["p_adjusted"] < 0.05) & larger[1]).sum(),
        ])  # fmt: skip
        mean = np.mean(found, axis=0)
        print(
            study + 1,
            "headline, max-t; paper, Holm; paper, max-t:",
            mean.round(2),
            f"{mean[0] / mean[1]:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
