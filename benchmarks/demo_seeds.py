"""Does learning show on the demo's music, whatever the music? The whole demo on several seeds.

    python benchmarks/demo_seeds.py FOLDER SEED [SEED ...]

Each seed makes other music, tables, splits, networks. Prints Markdown: per target the mean of the 25 trained runs, of
the runs that learned from all sources, of the 5 Random networks, of MFCC; and what `bpm` alone knows of ballroom.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd

from study.commands.demo import demo
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.valid_results import read_results


def main(folder: Path, seeds: list[int]) -> None:
    for seed in seeds:
        began = time.monotonic()
        demo(folder / str(seed), seed=seed)
        print(f"\nSeed {seed}, {time.monotonic() - began:.0f} s in all:\n")
        print(told(primary_scores(folder / str(seed))))


def primary_scores(folder: Path) -> pd.DataFrame:
    """One row a run x target: the mean of the primary metric."""
    study = read_study(folder)
    rows, _ = read_results(Paths(study.store))
    rows = rows[rows["metric"] == rows["target"].map(study.primary_metrics)]
    return rows.groupby(["run_id", "phase", "strategy", "target", "source.bpm"])["score"].mean().reset_index()


def told(means: pd.DataFrame) -> str:
    trained = means[means["phase"] != "baseline"]
    columns = {
        "trained": trained, "all sources": means[means["phase"] == "all"],
        "Random": means[means["strategy"] == "Random"], "MFCC": means[means["strategy"] == "MFCC"],
    }  # fmt: skip
    table = pd.DataFrame({name: rows.groupby("target")["score"].mean() for name, rows in columns.items()})
    lines = ["| target | " + " | ".join(table) + " |", "| --- " * (len(columns) + 1) + "|"]
    lines += [f"| {target} | " + " | ".join(f"{value:.3f}" for value in row) + " |" for target, row in table.iterrows()]
    wins = int((table["trained"] > table["Random"]).sum())
    lines.append(f"\nThe mean trained representation beats the mean of Random on {wins} of {len(table)} targets.")
    bpm = means[(means["phase"] == "single") & means["source.bpm"] & (means["target"] == "ballroom")]["score"].mean()
    random = means[(means["strategy"] == "Random") & (means["target"] == "ballroom")]["score"]
    lines.append(f"On ballroom `bpm` alone has {bpm:.3f}; Random {random.mean():.3f}, at most {random.max():.3f}.")
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]])
