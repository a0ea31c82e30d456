"""What whole reports state: of studies without any effect, and of studies with effects how robust it is.

100 runs of the founding study's strategies (16 of one source, 10 of all eight, 74 of two to seven) on 7 targets, with
an MFCC and five Random baselines. Without effects, the baselines' scores are like those of the runs. With effects,
strategies differ by 0.3 from one to the next on average, and the other statements are false.

    python benchmarks/null_reports.py [--reports 400] [--effects] [--first 0]
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
import pandas as pd
from headline_nulls import N_TARGETS, STRATEGIES, plan, scores

from analysis.analyze import analyze
from analysis.contrasts import NOT_SIGNIFICANT
from analysis.options import AnalysisOptions

SHARES = (0.0, 0.3)
"""Of the residual variance, by report in turn: what the scores of a run share."""
STEP = 0.3


def study_rows(share: float, step: float, rng: np.random.Generator) -> pd.DataFrame:
    """The results of one study."""
    runs = plan(rng)
    singles, alls, others = (np.flatnonzero(runs["n_sources"].isin(of)) for of in ([1], [8], range(2, 8)))
    kept = [*singles[np.arange(48) % 6 < 2], *alls[np.arange(25) % 5 < 2], *rng.choice(others, 74, replace=False)]
    runs = runs.iloc[np.sort(kept)].reset_index(drop=True).assign(phase="sequential")
    rows = scores(runs, share, 0.0, rng)
    rows["score"] += step * rows["strategy"].map(STRATEGIES.index)
    baselines = [("MFCC", 1), ("Random", 5)]
    level = rows["score"].mean()
    added = [
        {"run_id": f"{name}{k}", "strategy": name, "n_sources": 0, "phase": "baseline", "target": f"t{target}",
         "score": level + rng.normal(0.0, 0.75)}
        for name, n in baselines for k in range(n) for target in range(N_TARGETS)
    ]  # fmt: skip
    every = pd.concat([rows, pd.DataFrame(added)], ignore_index=True)
    sources = [name for name in every if name.startswith("source.")]
    every[sources] = every[sources].astype(object).where(every[sources].notna(), False).astype(bool)
    return every


def is_true(row: pd.Series) -> bool:
    """Whether a statement is so where strategies differ by `STEP`: only pairs are, by their order, and their size."""
    if row["family"] == "network size":
        return bool(row["estimate"] > 0)
    return bool(row["family"] == "strategies" and row["estimate"] > 0)


def main() -> None:
    """Counts of reports that state something, and by family; with effects, of what is marked not robust."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--effects", action="store_true")
    given = parser.parse_args()
    stating, families, marks = Counter(), Counter(), Counter()
    n: Counter[float] = Counter()
    for number in range(given.first, given.first + given.reports):
        share, rng = SHARES[number % 2], np.random.default_rng([13, given.effects, number])
        found = analyze(study_rows(share, STEP if given.effects else 0.0, rng), AnalysisOptions(seed=number)).verdicts
        said = found[found["verdict"] != NOT_SIGNIFICANT]
        n[share] += 1
        stating[share] += bool(len(said))
        families.update(said["family"].unique())
        for _, row in said.iterrows():
            marks["true" if is_true(row) else "false", row["robust"].partition(":")[0]] += 1
        print(number, share, dict(stating), dict(n), dict(families), dict(marks), flush=True)


if __name__ == "__main__":
    main()
