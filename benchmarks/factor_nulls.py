"""A further factor of mean zero, and fine-tuning of mean zero: how often the headline calls them significant.

120 runs of the founding study's strategies on 7 targets, half of the residual variance shared by a run's scores. The
factor has two or three levels, which differ between targets with a standard deviation and not on average; `transfer`
is a factor of the evaluation, so that each run has a score at both of its levels.

    python benchmarks/factor_nulls.py [--studies 2000] [--kinds two three transfer]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from headline_nulls import N_TARGETS, plan
from scipy import stats

from analysis.models import strategy_model
from analysis.results_table import results_table

DEVIATIONS = (0.0, 0.15, 0.25, 0.5)
N_RUNS, RUN_SD, RESIDUAL_SD = 120, 0.5, 0.5
KINDS = {"two": ("activation", ["relu", "elu"]), "three": ("activation", ["relu", "gelu", "elu"]),
         "transfer": ("transfer", ["frozen", "fine-tune"])}  # fmt: skip


def scores(kind: str, deviation: float, rng: np.random.Generator) -> pd.DataFrame:
    """Scores of every run on every target, at both levels of `transfer` where that is the factor."""
    name, levels = KINDS[kind]
    runs = plan(rng)
    runs = runs.iloc[rng.choice(len(runs), N_RUNS, replace=False)].reset_index(drop=True)
    shared = RUN_SD * rng.standard_normal(N_RUNS)
    frames = []
    for target in range(N_TARGETS):
        of_level = deviation * rng.standard_normal(len(levels))
        for level in range(len(levels)) if kind == "transfer" else [None]:
            which = np.arange(N_RUNS) % len(levels) if level is None else np.full(N_RUNS, level)
            score = of_level[which] + shared + RESIDUAL_SD * rng.standard_normal(N_RUNS)
            given = {f"factor.{name}": np.array(levels, dtype=object)[which]}
            frames.append(runs.assign(target=f"t{target}", score=score, **given))
    return pd.concat(frames, ignore_index=True)


def main() -> None:
    """A row for each kind of factor and each deviation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    given = parser.parse_args()
    print("| factor | sd by target | studies | significant | coverage |\n| --- | --- | --- | --- | --- |", flush=True)
    for kind in given.kinds:
        name, levels = KINDS[kind]
        for deviation in DEVIATIONS:
            significant, covered = [], []
            for study in range(given.studies):
                rng = np.random.default_rng([11, list(KINDS).index(kind), round(100 * deviation), study])
                table = results_table(scores(kind, deviation, rng), {})
                said = strategy_model(table, {name: levels}).statements
                own = said[said["family"] == f"factor.{name}"]
                significant.append((own["p_adjusted"] < 0.05).any())
                covered.append((own["estimate"].abs() <= stats.t.ppf(0.975, own["df"]) * own["se"]).mean())
            shares = f"{100 * np.mean(significant):.1f} % | {np.mean(covered):.3f}"
            print(f"| {kind} | {deviation} | {len(significant)} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
