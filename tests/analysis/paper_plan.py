"""The 425 runs of Kim et al. 2019, and results simulated on them with planted effects."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from study.core.coding import n_star
from study.core.strategies import STRATEGIES

PUBLISHED = Path(__file__).parents[2] / "../shared/reference/kim2019/experimental_design.csv"
"""`experimental_design.csv` of eldrin/MTLMusicRepresentation-PyTorch; not part of this repository."""

SOURCES = ("self", "year", "bpm", "taste", "tag", "lyrics", "cdr_tag", "artist")
TARGETS = ("ballroom", "fma", "gtzan", "irmas", "lastfm", "arousal", "valence")
SEQUENTIAL_RUNS = 352
STRATEGY_EFFECTS = dict(zip(STRATEGIES, (-1.0, -0.4, 0.0, 0.05, 0.1, 0.15), strict=True))
SLOPES = dict(zip(STRATEGIES, (0.0, 0.0, 0.16, 0.16, 0.16, 0.16), strict=True))
"""Near the paper's Fig. 11, in standard deviations within a target: nothing from a further source for MS-SR@FC."""


def paper_runs(published: Path = PUBLISHED) -> pd.DataFrame:
    """48 runs of single sources, 25 of all eight, and the first 352 published: `run_id, phase, strategy, n_sources`
    and `source.<name>`. In the published table `arc` 1 is MSS-CR and 5 MS-SR@FC."""
    levels = [("single", "SS-R", {name}) for name in SOURCES for _ in range(6)]
    levels += [("all", strategy, set(SOURCES)) for strategy in STRATEGIES[1:] for _ in range(5)]
    with published.open() as file:
        levels += [
            ("sequential", STRATEGIES[-int(row["arc"])], {SOURCES[k] for k in range(8) if row[f"s{k + 1}"] == "1"})
            for row in list(csv.DictReader(file))[:SEQUENTIAL_RUNS]
        ]
    return pd.DataFrame([
        {"run_id": f"r{position:03d}", "phase": phase, "strategy": strategy, "n_sources": len(present),
         **{f"source.{name}": name in present for name in SOURCES}}
        for position, (phase, strategy, present) in enumerate(levels)
    ])  # fmt: skip


def simulated_scores(
    runs: pd.DataFrame,
    seed: int,
    strategies: Mapping[str, float] = STRATEGY_EFFECTS,
    slopes: Mapping[str, float] = SLOPES,
    strategy_sd: float = 0.15,
    slope_sd: float = 0.03,
    noise_sd: float = 0.88,
) -> pd.DataFrame:
    """Every run on every target, one score each: means that vary by target, and noise."""
    rng = np.random.default_rng(seed)
    steps = n_star(runs["strategy"], runs["n_sources"])
    frames = []
    for target in TARGETS:
        level = {name: effect + strategy_sd * rng.standard_normal() for name, effect in strategies.items()}
        slope = {name: effect + slope_sd * rng.standard_normal() for name, effect in slopes.items()}
        mean = runs["strategy"].map(level) + runs["strategy"].map(slope) * steps
        score = 0.5 + 0.1 * (mean + noise_sd * rng.standard_normal(len(runs)))
        frames.append(runs.assign(target=target, metric="accuracy", score=score, outcome="ok"))
    return pd.concat(frames, ignore_index=True)
