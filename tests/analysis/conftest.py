"""Results of studies with known effects, as the result store hands them over."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

from study.factors import STRATEGIES

SOURCES = ("self", "bpm", "year", "tag")
TARGETS = ("ballroom", "gtzan", "irmas", "valence")
EFFECTS = dict(zip(STRATEGIES, (-1.0, -0.5, 0.0, 0.2, 0.4, 0.6), strict=True))
SLOPES = dict(zip(STRATEGIES, (0.0, 0.0, 0.3, 0.3, 0.3, 0.3), strict=True))


def simulated_results(
    seed: int = 0,
    strategies: Mapping[str, float] = EFFECTS,
    slopes: Mapping[str, float] = SLOPES,
    targets: tuple[str, ...] = TARGETS,
    sources: tuple[str, ...] = SOURCES,
    per_cell: int = 4,
    source_effects: Mapping[tuple[str, str], float] | None = None,
    noise: float = 0.5,
    baselines: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Two repeats of every run on every target: scores are 0.5 + 0.1 times what the effects add up to, plus noise."""
    rng = np.random.default_rng(seed)
    runs = [("SS-R", {name}) for name in sources for _ in range(per_cell)] if "SS-R" in strategies else []
    runs += [
        (strategy, set(rng.choice(sources, n, replace=False).tolist()))
        for strategy in strategies if strategy != "SS-R" for n in range(2, len(sources) + 1) for _ in range(per_cell)
    ]  # fmt: skip
    rows = []
    for target in targets:
        shift = {name: 0.1 * rng.standard_normal() for name in strategies}
        for position, (strategy, present) in enumerate(runs):
            n = len(present)
            mean = strategies[strategy] + shift[strategy] + (n - 2 if n > 1 else 0) * slopes[strategy]
            mean += sum((source_effects or {}).get((target, name), 0.0) for name in present)
            rows.append(
                (f"run{position:03d}", "sequential", strategy, present, target, mean + noise * rng.standard_normal())
            )
        for name, mean in ({"MFCC": -2.0, "Random": -3.0} if baselines is None else baselines).items():
            rows.append((f"base-{name}", "baseline", name, set(), target, mean))
    return pd.DataFrame([
        {"run_id": run, "phase": phase, "strategy": strategy, "n_sources": len(present),
         **{f"source.{name}": name in present for name in sources}, "target": target, "repeat": repeat, "fold": 0,
         "metric": "accuracy", "score": 0.5 + 0.1 * (mean + 0.05 * rng.standard_normal()), "outcome": "ok"}
        for run, phase, strategy, present, target, mean in rows for repeat in range(2)
    ])  # fmt: skip


@pytest.fixture(scope="session")
def simulate() -> Callable[..., pd.DataFrame]:
    return simulated_results


@pytest.fixture(scope="session")
def results() -> pd.DataFrame:
    return simulated_results(source_effects={("ballroom", "bpm"): 1.5})
