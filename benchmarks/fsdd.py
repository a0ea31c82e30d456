"""A whole study of real recordings, and what its representations are worth beside MFCC and untrained networks.

    python benchmarks/fsdd.py RECORDINGS FOLDER

Runs the study of `fsdd_study.py` in FOLDER (resumed if it is there), writes its report, and prints Markdown: scores by
strategy, and for the best strategy the difference to Random over seeds, with a 95 % interval (Welch's t).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from fsdd_study import write_study
from scipy import stats

from study.core.paths import Paths
from study.core.reading import read_study
from study.core.valid_results import read_results
from study.workflow.analysis import analyze_study, report_folder
from study.workflow.launch import launch_study
from study.workflow.plan import design_study

SEEDS = 5
"""Trainings of each strategy on all sources, and of Random."""


def main(recordings: Path, folder: Path) -> None:
    if not (folder / "study.toml").exists():
        write_study(folder, recordings, all_sources=SEEDS)
    study = read_study(folder)
    design_study(study, "10")
    launch_study(study)
    print(f"report: {analyze_study(study).write_report(report_folder(folder))}\n")
    rows, _ = read_results(Paths(study.store))
    means = rows.groupby(["run_id", "phase", "strategy", "n_sources", "target"])["score"].mean().reset_index()
    print(scores_by_strategy(means), "\n")
    print(best_against_random(means))


def scores_by_strategy(means: pd.DataFrame) -> str:
    """Mean and deviation over runs, a row a strategy and number of sources, a column a target."""
    cells = means.groupby(["strategy", "n_sources", "target"])["score"].agg(["mean", "std", "size"]).reset_index()
    cells["shown"] = [f"{row.mean_:.3f} ± {row.std_:.3f}" if row.size_ > 1 else f"{row.mean_:.3f}"
                      for row in cells.rename(columns=lambda name: f"{name}_").itertuples()]  # fmt: skip
    table = cells.pivot(index=["strategy", "n_sources"], columns="target", values="shown")
    table.insert(0, "runs", cells.groupby(["strategy", "n_sources"])["size"].first())
    lines = ["| strategy | sources | " + " | ".join(table.columns) + " |", "| --- " * (len(table.columns) + 2) + "|"]
    lines += [
        f"| {s} | {n} | " + " | ".join(map(str, row)) + " |"
        for (s, n), row in zip(table.index, table.to_numpy(), strict=True)
    ]
    return "\n".join(lines)


def best_against_random(means: pd.DataFrame) -> str:
    """The strategy that is best on digits with all sources: its seeds against Random's, on every target."""
    everything = means[means["phase"] == "all"]
    best = everything[everything["target"] == "digit"].groupby("strategy")["score"].mean().idxmax()
    lines = [f"Best strategy on digits with all sources: {best}. {SEEDS} trainings against {SEEDS} Random networks:"]
    for target, here in everything[everything["strategy"] == best].groupby("target"):
        random = means[(means["strategy"] == "Random") & (means["target"] == target)]["score"].to_numpy()
        found = stats.ttest_ind(here["score"].to_numpy(), random, equal_var=False).confidence_interval(0.95)
        difference = here["score"].mean() - np.mean(random)
        lines.append(f"- {target}: {difference:+.3f} (95 % interval {found.low:+.3f} to {found.high:+.3f})")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
