"""`study power` and the predictions behind `--until`, compared with simulated studies that lme4 fits.

60 runs of the six strategies (16 of one source, 10 of all eight, 34 of two to seven) on 5 targets. power_check.R draws
and fits studies without any code of this project: lmerTest tests each effect, at a critical p that R works out anew.
Compared are power, the mean half-width of each 95 % interval, and how often a half-width is below a limit, over all
runs and over the first ones. The number of first runs is the one that `runs_needed` gives for a rule.

    python benchmarks/power_check.py [--studies 300] [--simulations 10000]

The exit status is 1 where the two sides are further apart than by chance.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
from headline_nulls import part_of, plan
from scipy import stats

from analysis.fitting.inference import half_width
from analysis.fitting.mixed_model import MixedFit
from analysis.planning.power import Cell, Grid, power
from analysis.planning.precision import read_rule, runs_needed
from analysis.planning.simulation import planned_model, prefix, refit, simulate
from analysis.planning.truth import ONE_SOURCE_COMBINATION, Truth
from study.core.coding import first_model
from study.core.effects import effects_of, weights_of

N_TARGETS = 5
EFFECTS = (0.25, -1.4, 1.4, -0.7, 0.7, 0.0, 0.15, -0.2, 0.2, 0.25, 0.3)
"""Of the strategies from SS-R to MSS-CR, and of the slopes of all but SS-R: so that powers are spread over 0 to 1."""
BETWEEN = (0.15, 0.2, 0.25, 0.3, 0.2, 0.25, 0.03, 0.04, 0.06, 0.05, 0.07)
"""The standard deviations of the same between targets."""
WITHIN = {"run": 0.3, "combination": 0.2, ONE_SOURCE_COMBINATION: 0.3}
RESIDUAL = 0.75
LIMIT = 1.5
"""Of the rule on all differences between strategies."""
PART = 200
"""Studies simulated at once."""
LEVEL = 0.01
"""All comparisons together fail so often where both sides are right."""


@dataclass(frozen=True)
class Compared:
    """A number that both sides estimate, and the Monte-Carlo error of the difference."""

    n_runs: int
    what: str
    effect: str
    ours: float
    theirs: float
    error: float

    @property
    def errors_apart(self) -> float:
        return (self.ours - self.theirs) / self.error if self.error else 0.0


def some_runs(rng: np.random.Generator) -> pd.DataFrame:
    """60 runs of the plan, in an order in which the first ones have all strategies."""
    runs = plan(rng)
    return runs.iloc[rng.permutation(part_of(runs, 34, rng))].reset_index(drop=True)


def stated_truth(runs: pd.DataFrame) -> Truth:
    """The effects and standard deviations above, by the names of the terms."""
    terms = list(first_model(runs).columns)
    return Truth(dict(zip(terms, EFFECTS, strict=True)), dict(zip(terms, BETWEEN, strict=True)) | WITHIN, RESIDUAL)


def needed_runs(runs: pd.DataFrame, truth: Truth) -> int:
    """The number of runs with which half of the studies keep the rule, by the function behind `--until`."""
    between = [("target", term, sd) for term, sd in truth.sd.items() if term not in WITHIN]
    within = [
        ("run_id", "1", truth.sd["run"]),
        ("combination", "several sources", truth.sd["combination"]),
        ("combination", "one source", truth.sd[ONE_SOURCE_COMBINATION]),
    ]
    random = pd.DataFrame([*between, *within], columns=["group", "term", "sd"])
    fit = SimpleNamespace(
        random_table=lambda: random, residual_variance=truth.residual_sd**2, groups={"target": N_TARGETS}
    )
    rule = read_rule(f"strategy < {LIMIT}", list(first_model(runs).columns))
    needed = runs_needed(rule, cast(MixedFit, fit), runs, 20, {}, np.random.default_rng(1))
    if needed is None:
        raise SystemExit(f"no number of runs keeps the rule {rule.text}")
    return needed


def half_widths(runs: pd.DataFrame, size: int, truth: Truth, n: int) -> pd.DataFrame:
    """Half-widths (n, n_effects) over the first runs, as the predictions of `--until` simulate them."""
    coding = first_model(runs)
    effects = effects_of(list(coding.columns))
    weights = weights_of(effects, list(coding.columns))
    whole = planned_model(runs, coding, {})
    first = planned_model(runs.iloc[:size], replace(coding, columns=coding.columns.iloc[:size]), {})
    rng, parts = np.random.default_rng(2), []
    for _ in range(0, n, PART):
        refits = refit(prefix(simulate(truth, whole, N_TARGETS, PART, rng), size), first, weights, truth)
        parts.append(half_width(refits.se, refits.df)[refits.certified])
    return pd.DataFrame(np.concatenate(parts), columns=[effect.name for effect in effects])


def by_lme4(folder: Path, runs: pd.DataFrame, sizes: Sequence[int], truth: Truth, studies: int) -> pd.DataFrame:
    """What power_check.R finds in its own studies: a row per study, number of runs and effect."""
    sd = {**truth.sd, "residual": truth.residual_sd}
    runs.to_csv(folder / "plan.csv", index=False)
    pd.DataFrame({"n_runs": sizes, "n_targets": N_TARGETS}).to_csv(folder / "sizes.csv", index=False)
    for name, values in (("effects", truth.effects), ("sds", sd)):
        pd.DataFrame({"term": list(values), "value": list(values.values())}).to_csv(folder / f"{name}.csv", index=False)
    subprocess.run(["Rscript", Path(__file__).with_suffix(".R"), folder, str(studies), "2019"], check=True)
    return pd.read_csv(folder / "studies.csv")


def of_shares(ours: float, n_ours: int, theirs: float, n_theirs: int) -> float:
    """The standard error of the difference between two shares, at their common value."""
    common = (ours * n_ours + theirs * n_theirs) / (n_ours + n_theirs)
    return math.sqrt(common * (1.0 - common) * (1.0 / n_ours + 1.0 / n_theirs))


def compared(theirs: pd.DataFrame, cell: Cell, widths: pd.DataFrame) -> list[Compared]:
    """All comparisons over the first runs. The limit of an effect is the median of our half-widths, rounded."""
    found = []
    n_ours = cell.n_simulations - cell.n_failed
    share_of = cell.power.set_index("effect")["power"]

    def add(what: str, name: str, ours: float, n_ours: int, theirs: pd.Series) -> None:
        share = float(theirs.mean())
        error = of_shares(ours, n_ours, share, len(theirs))
        found.append(Compared(cell.n_runs, what, name, ours, share, error))

    for effect, own in theirs.groupby("effect", sort=False):
        name, n = str(effect), len(own)
        add("power", name, float(share_of[name]), n_ours, own["significant"])
        error = math.hypot(own["half_width"].std() / math.sqrt(n), widths[name].std() / math.sqrt(len(widths)))
        means = float(widths[name].mean()), float(own["half_width"].mean())
        found.append(Compared(cell.n_runs, "mean half-width", name, *means, error))
        limit = round(float(widths[name].median()), 2)
        add("below", f"{name} < {limit}", float((widths[name] < limit).mean()), len(widths), own["half_width"] < limit)
    pairs = [name for name in widths if not name.endswith(":n_star")]
    kept = theirs[theirs["effect"].isin(pairs)].groupby("study")["half_width"].max() < LIMIT
    add("below", f"strategy < {LIMIT}", float((widths[pairs] < LIMIT).all(axis=1).mean()), len(widths), kept)
    return found


def main() -> int:
    """A table of all comparisons, and a row per number of runs and kind of number."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--simulations", type=int, default=10_000)
    given = parser.parse_args()
    runs = some_runs(np.random.default_rng(2019))
    truth = stated_truth(runs)
    sizes = [needed_runs(runs, truth), len(runs)]
    with TemporaryDirectory() as folder:
        theirs = by_lme4(Path(folder), runs, sizes, truth, given.studies)
    cells = power(runs, {}, truth, Grid(sizes, [N_TARGETS], given.simulations), np.random.default_rng(3))
    found: list[Compared] = []
    for cell in cells:
        own = theirs[theirs["n_runs"] == cell.n_runs]
        found += compared(own, cell, half_widths(runs, cell.n_runs, truth, given.simulations))
        once = own.drop_duplicates("study")
        print(
            f"{cell.n_runs} runs: {len(once)} studies by lme4, {once['singular'].sum()} with a variance of zero, "
            f"{once['warned'].sum()} with a warning; {cell.n_simulations} simulated by `study power`, "
            f"{cell.n_singular} with a variance of zero, {cell.n_failed} without a fit"
        )
    table = pd.DataFrame([{**vars(one), "apart": one.errors_apart} for one in found])
    print("\n| runs | what | effect | native | lme4 | errors apart |\n| --- | --- | --- | --- | --- | --- |")
    for row in table.itertuples():
        print(f"| {row.n_runs} | {row.what} | {row.effect} | {row.ours:.3f} | {row.theirs:.3f} | {row.apart:.1f} |")
    print("\n| runs | what | comparisons | largest difference | largest in errors | root mean square in errors |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (n_runs, what), own in table.groupby(["n_runs", "what"], sort=False):
        largest, difference = own["apart"].abs().max(), (own["ours"] - own["theirs"]).abs().max()
        square = math.sqrt((own["apart"] ** 2).mean())
        print(f"| {n_runs} | {what} | {len(own)} | {difference:.3f} | {largest:.1f} | {square:.2f} |")
    most = float(stats.norm.isf(LEVEL / len(table) / 2.0))
    print(f"\n{len(table)} comparisons, the largest {table['apart'].abs().max():.2f} errors; allowed {most:.2f}")
    return int(table["apart"].abs().max() > most)


if __name__ == "__main__":
    sys.exit(main())
