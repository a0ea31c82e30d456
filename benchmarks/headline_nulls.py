"""How often the headline states what is not so: studies of the paper's size in which nothing is true on average.

425 runs (48 of one source, 25 of all eight, 352 of two to seven) on 7 targets, simulated here from scratch: strategies
and slopes differ between targets by chance, and runs and combinations share a part of the residual variance. A row
counts, over studies, in how many some pair of strategies, some slope or the size of the network is called significant,
each family by itself; in how many the report, which judges all families together first, would state any of them; and
how often each effect's own 95 % interval has the truth, which is 0.

    python benchmarks/headline_nulls.py [--studies 250] [--rows 0,0 0.3,0 0,0.3 0.3,0.3]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from scipy import stats

from analysis.fitted_model import Fitting, Model
from analysis.models import paper_strategy_model, size_model, strategy_model
from analysis.results_table import results_table
from analysis.simultaneous import Judging

SOURCES = tuple("abcdefgh")
STRATEGIES = ("SS-R", "MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR")
N_TARGETS = 7
PAPER_STUDIES = 60
"""So many of a row's studies are enough to see how often the paper's first model goes wrong."""
FAMILIES = 3
"""Pairs, slopes and size. The report states something only if the least adjusted p of all is below 0.05 / FAMILIES."""
STRATEGY_SD, SLOPE_SD, RESIDUAL_VARIANCE = 0.15, 0.03, 0.75**2


def plan(rng: np.random.Generator) -> pd.DataFrame:
    """425 runs: `run_id, strategy, n_sources, source.<name>`."""
    made = [("SS-R", {name}) for name in SOURCES for _ in range(6)]
    made += [(strategy, set(SOURCES)) for strategy in STRATEGIES[1:] for _ in range(5)]
    for k in range(352):
        size = 2 + k // 5 % 6
        made.append((STRATEGIES[1 + k % 5], set(rng.choice(SOURCES, size, replace=False))))
    return pd.DataFrame([
        {"run_id": f"r{k:03d}", "strategy": strategy, "n_sources": len(own)}
        | {f"source.{name}": name in own for name in SOURCES}
        for k, (strategy, own) in enumerate(made)
    ])  # fmt: skip


def part_of(runs: pd.DataFrame, n_others: int, rng: np.random.Generator) -> np.ndarray:
    """Positions in the plan of 16 runs of one source, 10 of all eight, and `n_others` of two to seven."""
    singles, alls, others = (np.flatnonzero(runs["n_sources"].isin(of)) for of in ([1], [8], range(2, 8)))
    drawn = rng.choice(others, n_others, replace=False)
    return np.concatenate([singles[np.arange(48) % 6 < 2], alls[np.arange(25) % 5 < 2], drawn])


def scores(runs: pd.DataFrame, of_run: float, of_combination: float, rng: np.random.Generator) -> pd.DataFrame:
    """Every run on every target; these shares of the residual variance are of the run and of the combination."""
    n_star = np.where(runs["strategy"] == "SS-R", 0, runs["n_sources"] - 2)
    strategy = runs["strategy"].map(STRATEGIES.index).to_numpy()
    sources = runs[[f"source.{name}" for name in SOURCES]].astype(str).agg("".join, axis=1)
    combination = pd.factorize(runs["strategy"] + sources)[0]
    shared = np.sqrt(of_run * RESIDUAL_VARIANCE) * rng.standard_normal(len(runs))
    shared += (np.sqrt(of_combination * RESIDUAL_VARIANCE) * rng.standard_normal(combination.max() + 1))[combination]
    own_sd = np.sqrt((1.0 - of_run - of_combination) * RESIDUAL_VARIANCE)
    frames = []
    for target in range(N_TARGETS):
        level, slope = STRATEGY_SD * rng.standard_normal(6), SLOPE_SD * rng.standard_normal(6)
        score = level[strategy] + slope[strategy] * n_star + shared + own_sd * rng.standard_normal(len(runs))
        frames.append(runs.assign(target=f"t{target}", score=score))
    return pd.concat(frames, ignore_index=True)


def found(model: Model) -> dict[str, float]:
    """Whether each family has a significant statement, and the shares of own intervals that have 0."""
    if model.fit is None:
        raise SystemExit(f"model {model.name} has no fit: {model.why_not}")
    said = model.statements
    result: dict[str, float] = {}
    for family, own in said.groupby("family"):
        reach = stats.t.ppf(0.975, own["df"]) * own["se"]
        result[f"{family}: significant"] = float((own["p_adjusted"] < 0.05).any())
        result[f"{family}: coverage"] = float((own["estimate"].abs() <= reach).mean())
    result["any"] = float((said["p_adjusted"] < 0.05).any())
    result["least p"] = float(said["p_adjusted"].min())
    return result


def main() -> None:
    """A row for each setting of the shares, the headline's and the paper's model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=250)
    parser.add_argument("--rows", nargs="*", default=["0,0", "0.3,0", "0,0.3", "0.3,0.3"])
    given = parser.parse_args()
    runs = plan(np.random.default_rng(2019))
    print("| run, combination | model | some pair | some slope | size | any | reported | coverage: pairs, slopes |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for number, row in enumerate(given.rows):
        of_run, of_combination = map(float, row.split(","))
        began = time.perf_counter()
        counts: dict[str, list[dict[str, float]]] = {"headline": [], "paper": []}
        for study in range(given.studies):
            rng = np.random.default_rng([7, number, study])
            table = results_table(scores(runs, of_run, of_combination, rng), {})
            first, size = (
                found(strategy_model(table, {}, Fitting(judging=Judging(study)))),
                found(size_model(table, {}, Fitting(judging=Judging(study)))),
            )
            least = min(first["least p"], size["least p"])
            together = {"any": max(first["any"], size["any"]), "reported": float(least < 0.05 / FAMILIES)}
            counts["headline"].append({**first, **size, **together})
            if study < PAPER_STUDIES:
                counts["paper"].append(found(paper_strategy_model(table, {}, Fitting(judging=Judging(study)))))
        for model, studies in counts.items():
            mean = pd.DataFrame(studies).mean()
            families = ("strategies", "number of sources", "network size")
            cells = [f"{100 * mean.get(f'{family}: significant', np.nan):.1f} %" for family in families]
            coverage = ", ".join(f"{mean[f'{family}: coverage']:.3f}" for family in families[:2])
            cells += [f"{100 * mean.get(name, np.nan):.1f} %" for name in ("any", "reported")]
            cells.append(coverage)
            print(f"| {of_run}, {of_combination} | {model} | {' | '.join(cells)} |")
        print(f"<!-- {given.studies} studies in {time.perf_counter() - began:.0f} s -->", flush=True)


if __name__ == "__main__":
    main()
