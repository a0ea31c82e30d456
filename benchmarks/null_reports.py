"""What whole reports state: of studies without any effect, and of studies with effects how robust it is.

Runs of the founding study's strategies (16 of one source, 10 of all eight, 74 of two to seven; or all 425 of its plan)
on 7 targets, with an MFCC and five Random baselines, which score as the runs do on average. With `--effects paper`,
strategies and slopes differ as the paper found; with a number, strategies differ by it from one to the next.

    python benchmarks/null_reports.py [--reports 400] [--effects paper|0.3] [--runs 425] [--first 0]
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
import pandas as pd
from headline_nulls import N_TARGETS, part_of, plan, scores
from true_pairs import added

import analysis.analyze as story
from analysis.contrasts import NOT_SIGNIFICANT
from analysis.options import AnalysisOptions
from analysis.questions import SOURCES
from analysis.results_table import results_table
from analysis.statements import PAIRS, SIZE, SLOPES

SHARES = (0.0, 0.3)
"""Of the residual variance, by report in turn: what the scores of a run share."""
PAPER = "paper"


def study_rows(share: float, effects: str | None, all_runs: bool, rng: np.random.Generator) -> pd.DataFrame:
    """The results of one study."""
    runs = plan(rng)
    if not all_runs:
        runs = runs.iloc[np.sort(part_of(runs, 74, rng))].reset_index(drop=True)
    rows = scores(runs.assign(phase="sequential"), share, 0.0, rng)
    if effects is not None:
        rows["score"] += added(rows, None if effects == PAPER else float(effects))
    baselines = [("MFCC", 1), ("Random", 5)]
    level = rows["score"].mean()
    of_baselines = [
        {"run_id": f"{name}{k}", "strategy": name, "n_sources": 0, "phase": "baseline", "target": f"t{target}",
         "score": level + rng.normal(0.0, 0.75)}
        for name, n in baselines for k in range(n) for target in range(N_TARGETS)
    ]  # fmt: skip
    every = pd.concat([rows, pd.DataFrame(of_baselines)], ignore_index=True)
    sources = [name for name in every if name.startswith("source.")]
    every[sources] = every[sources].astype(object).where(every[sources].notna(), False).astype(bool)
    return every


def is_true(row: pd.Series, effects: str | None) -> bool:
    """Whether a significant statement is so.

    The larger of two networks is better, in any study with effects. As the paper found, all slopes but that of MS-SR@FC
    are positive, so that any further source helps on every target.
    """
    if effects is None or row["estimate"] <= 0.0:
        return False
    if effects == PAPER and row["family"] in (SLOPES, SOURCES):
        return "MS-SR@FC" not in row["effect"]
    return row["family"] in (PAIRS, SIZE)


def main() -> None:
    """Counts of reports that state something, and by family, and of what is marked not robust.

    Without effects, the marks are those of the statements with each family judged by itself, which are more.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--effects")
    parser.add_argument("--runs", type=int, choices=[100, 425], default=100)
    given = parser.parse_args()
    stating, families = Counter(), Counter()
    marks: Counter[tuple[str, str, str]] = Counter()
    n: Counter[float] = Counter()
    for number in range(given.first, given.first + given.reports):
        share, rng = SHARES[number % 2], np.random.default_rng([13, given.effects is not None, number])
        rows = study_rows(share, given.effects, given.runs == 425, rng)
        by_family, reported = judged(rows, AnalysisOptions(seed=number))
        n[share] += 1
        stating[share] += bool(len(reported))
        families.update(reported["family"].unique())
        for _, row in (by_family if given.effects is None else reported).iterrows():
            truth = "true" if is_true(row, given.effects) else "false"
            marks[row["family"], truth, row["robust"].partition(":")[0]] += 1
        print(number, share, dict(stating), dict(n), dict(families), dict(marks), flush=True)


def judged(rows: pd.DataFrame, options: AnalysisOptions) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The significant statements of `analyze`, and before them those with each family judged by itself."""
    evidence = story._evidence(results_table(rows, options.metrics), options)
    each = story._shown(evidence).verdicts
    n = story.families_to_join(each)
    reported = story._shown(story._judged_together(evidence, n)).verdicts if n else each
    return tuple(found[found["verdict"] != NOT_SIGNIFICANT] for found in (each, reported))


if __name__ == "__main__":
    main()
