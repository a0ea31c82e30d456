"""How long `study analyze` takes on the paper's plan: 425 runs, 7 targets, 2,975 rows.

    python benchmarks/analyze_speed.py [experimental_design.csv] [--bootstrap 1000]

Scores are simulated on the published design; the whole command is timed, with what Python takes to start.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.analysis.paper_plan import PUBLISHED, TARGETS, paper_runs, simulated_scores


def simulated_rows(published: Path) -> pd.DataFrame:
    """The 2,975 rows, with numbers of parameters, and those of two baselines."""
    rows = simulated_scores(paper_runs(published), seed=0)
    rows["n_parameters"] = 1_000_000 * rows["n_sources"]
    baselines = [
        {"run_id": name, "phase": "baseline", "strategy": name, "target": target, "metric": "accuracy", "score": score,
         "outcome": "ok", "n_sources": 0}
        for name, score in (("MFCC", 0.45), ("Random", 0.35)) for target in TARGETS
    ]  # fmt: skip
    return pd.concat([rows, pd.DataFrame(baselines)], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path, nargs="?", default=PUBLISHED)
    parser.add_argument("--bootstrap", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scores = Path(folder) / "scores.parquet"
        simulated_rows(arguments.published).to_parquet(scores)
        command = [Path(sys.executable).parent / "study", "analyze", folder, "--results", scores]
        began, before = time.perf_counter(), os.times()
        subprocess.run([*command, "--bootstrap", str(arguments.bootstrap)], check=True, capture_output=True)
        wall_s, after = time.perf_counter() - began, os.times()
        cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
        figures = list(Path(folder).glob("report/figures/*.png"))
        print(f"{wall_s:.1f} s ({cpu_s:.1f} s of CPU), {len(figures)} figures, {arguments.bootstrap} refits")


if __name__ == "__main__":
    main()
