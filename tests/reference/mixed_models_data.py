"""Writes mixed_models_*.csv, the small simulated tables that mixed_models.R fits with lme4."""

from pathlib import Path

import numpy as np
import pandas as pd

from study.core.coding import n_star
from study.core.strategies import STRATEGIES

HERE = Path(__file__).parent
TARGETS = [f"t{j}" for j in range(7)]
SOURCES = [f"s{k}" for k in range(8)]


def runs(rng: np.random.Generator, per_strategy: int, sizes: tuple[int, ...]) -> pd.DataFrame:
    """SS-R with each source, and `per_strategy` runs of each other strategy with as many of each size as of any."""
    rows = [("SS-R", {source}) for source in SOURCES for _ in range(2)]
    rows += [
        (strategy, set(rng.choice(SOURCES, sizes[k % len(sizes)], replace=False)))
        for strategy in STRATEGIES[1:]
        for k in range(per_strategy)
    ]
    table = pd.DataFrame(
        {
            "run_id": [f"r{k:03d}" for k in range(len(rows))],
            "strategy": [row[0] for row in rows],
            "n_sources": [len(row[1]) for row in rows],
        }
    )
    return table.assign(**{f"source.{name}": [int(name in row[1]) for row in rows] for name in SOURCES})


def scores(
    rng: np.random.Generator, table: pd.DataFrame, intercept_sd: float, slope_sd: float, source_sd: float
) -> pd.DataFrame:
    """Every run on every target, with effects like the paper's, random by target, and effects of the sources."""
    steps = n_star(table["strategy"], table["n_sources"])
    frames = []
    for target in TARGETS:
        mean = np.zeros(len(table))
        for rank, strategy in enumerate(STRATEGIES):
            here = (table["strategy"] == strategy).to_numpy()
            slope = 0.0 if strategy in ("SS-R", "MS-SR@FC") else 0.16
            mean += here * (0.3 * rank - 1.0 + intercept_sd * rng.standard_normal())
            mean += here * steps * (slope + slope_sd * rng.standard_normal())
        for source in SOURCES:
            mean += table[f"source.{source}"].to_numpy() * source_sd * rng.standard_normal()
        frames.append(table.assign(target=target, score=np.round(mean + 0.6 * rng.standard_normal(len(table)), 6)))
    return pd.concat(frames, ignore_index=True)


def main() -> None:
    rng = np.random.default_rng(20190405)
    balanced = scores(rng, runs(rng, 12, (2, 3, 5, 8)), 0.3, 0.05, 0.0)
    unbalanced = scores(rng, runs(rng, 11, (2, 2, 3, 4, 7)), 0.3, 0.05, 0.2)
    unbalanced = unbalanced[rng.random(len(unbalanced)) < 0.75]
    singular = scores(rng, runs(rng, 6, (2, 4, 8)), 0.05, 0.0, 0.0)
    for name, table in {"balanced": balanced, "unbalanced": unbalanced, "singular": singular}.items():
        table.to_csv(HERE / f"mixed_models_{name}.csv", index=False)


if __name__ == "__main__":
    main()
