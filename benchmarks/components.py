"""How often the 95 % intervals of the sources' components cover the truth, on the paper's plan and on the demo's.

    python benchmarks/components.py [experimental_design.csv] [--data-sets 1000] [--processes 2]

One target, the residual's deviation 0.8; each source's two effects are drawn anew in each data set. The truth is the
source's share of the sum of the population variances. Counted are data sets in which percents are shown: those with a
certified fit in which some variance is not zero. Exits 1 if any source is covered in less than 0.935 of a case.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.components import components_within
from design.generate import generate
from study.core.coding import is_single
from study.core.plan import run_columns
from study.core.reading import read_study
from study.workflow.demo import DEMO_BUDGET
from tests.analysis.paper_plan import PUBLISHED, SOURCES, paper_runs

SEED = 20191120
RESIDUAL_SD = 0.8
LEAST = 0.935
"""0.95 less two standard errors of 1,000 data sets."""
DEMO = Path(__file__).resolve().parents[1] / "study" / "templates" / "demo"
CASES = {
    "eight equal, 0.2": [0.2] * 8,
    "eight equal, 1": [1.0] * 8,
    "two of 0.3, six of 0.1": [0.3] * 2 + [0.1] * 6,
    "each half of the one before, from 0.8": [0.8 / 2**k for k in range(8)],
    "one of 0.3, seven of 0": [0.3] + [0.0] * 7,
    "eight equal, 0.005": [0.005] * 8,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path, nargs="?", default=PUBLISHED)
    parser.add_argument("--data-sets", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    study = read_study(DEMO)
    planned = generate(study, int(DEMO_BUDGET))
    demo = pd.DataFrame([{"strategy": run.strategy, **run_columns(study, run)} for run in planned])
    print(
        "| runs | sources' deviations | shown | coverage: least, mean | below the truth, above it "
        "| where the estimate is 0 (share) | stretched | mean interval of the first source, of the last |\n"
        + "| --- " * 8 + "|",
        flush=True,
    )  # fmt: skip
    plans = [runs[~is_single(runs)] for runs in (paper_runs(arguments.published), demo)]
    tasks = [(runs, name, arguments.data_sets) for runs in plans for name in CASES]
    with ProcessPoolExecutor(arguments.processes) as pool:
        missed = False
        for line, least in pool.map(of_case, *zip(*tasks, strict=True)):
            print(line, flush=True)
            missed |= least < LEAST
    return int(missed)


def of_case(runs: pd.DataFrame, name: str, n: int) -> tuple[str, float]:
    """The table's row of a case, and the coverage of the source covered least."""
    rng = np.random.default_rng(SEED)
    sd = np.array(CASES[name])
    truth = 100.0 * sd**2 / (sd**2).sum()
    present = runs[[f"source.{one}" for one in SOURCES]].to_numpy(dtype=int)
    shown = []
    for _ in range(n):
        effects = sd[:, None] * rng.standard_normal((len(sd), 2))
        z = RESIDUAL_SD * rng.standard_normal(len(runs)) + effects[np.arange(len(sd)), present].sum(axis=1)
        found = components_within(name, runs.assign(z=z), SOURCES, rng)
        if found.percent is not None and found.fit.variance.any():
            shown.append(found.percent[["percent", "low", "high"]].to_numpy().T)
    percent, low, high = np.stack(shown, axis=1)
    # A share of exactly 0 or 100 is reached up to rounding.
    above, below = low > truth + 1e-9, high < truth - 1e-9
    covered, zero = ~(above | below), percent == 0.0
    stretched = ((percent == low) & (low > 0.0)) | ((percent == high) & (high < 100.0))
    line = (
        f"| {len(runs)} | {name} | {len(shown)} of {n} | {covered.mean(axis=0).min():.3f}, {covered.mean():.3f} "
        f"| {below.mean():.3f}, {above.mean():.3f} | {covered[zero].mean():.3f} ({zero.mean():.2f}) "
        f"| {stretched.mean():.3f} | {low.mean(axis=0)[0]:.1f} to {high.mean(axis=0)[0]:.1f}, "
        f"{low.mean(axis=0)[-1]:.1f} to {high.mean(axis=0)[-1]:.1f} |"
    )
    return line, float(covered.mean(axis=0).min())


if __name__ == "__main__":
    sys.exit(main())
