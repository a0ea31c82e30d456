"""What each `model` of a phase costs the others, on the 1,230 candidates of Kim et al. 2019 at 100 runs.

    python benchmarks/design_models.py [--seeds 10]

Prints the mean expected standard error of the five slopes on n* and the D-efficiency of the main effects as a share of
Fedorov's optimum, the mean and the worst over the seeds, and the least share of runs that a number of sources has;
exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.design_published import CANDIDATES, slope_errors  # noqa: E402
from design.anytime import anytime  # noqa: E402
from design.information import log_efficiency, model_columns  # noqa: E402
from design.model import parts_of  # noqa: E402

EVERY, WITHOUT_N = ("strategy", "sources", "n_sources"), ("strategy", "sources")
CASES: list[tuple[str, str | Mapping[str, float] | None, tuple[str, ...], float, float]] = [
    # name, model, balance, bars: largest mean slope error, least share of the optimum
    ("left out", None, EVERY, 0.1305, 0.96), ("main", "main", EVERY, 1, 0.96), ("first", "first", EVERY, 1, 0),
    ("main", "main", WITHOUT_N, 1, 0.96), ("main = 1, first = 0.5", {"main": 1.0, "first": 0.5}, WITHOUT_N, 1, 0),
    ("first", "first", WITHOUT_N, 0.105, 0.92),
]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    optimum = json.loads((ROOT / "tests/reference/fedorov.json").read_text())["100"]
    missed = 0
    print("model, balance: slopes' SE, mean and worst; D of the main effects, mean and worst; least share of an n")
    for name, model, balance, most, least in CASES:
        found = []
        for seed in range(arguments.seeds):
            parts = parts_of(model, slopes="n_sources" in balance)
            order = anytime(CANDIDATES, CANDIDATES.codes[:0], CANDIDATES.positions(balance),
                            np.random.SeedSequence(seed), model=parts)  # fmt: skip
            codes = CANDIDATES.codes[list(islice(order, 100))]
            share = np.exp(log_efficiency(model_columns(CANDIDATES.factors, codes))) / optimum
            found.append((slope_errors(codes).mean(), share, np.bincount(codes[:, -1], minlength=6).min() / 100))
        slopes, shares, rarest = np.array(found).T
        missed += (slopes.max() > most) + (shares.min() < least) + (rarest.min() < 0.03)
        print(f"{name}, {' '.join(balance)}: {slopes.mean():.4f} {slopes.max():.4f}  {shares.mean():.3f} "
              f"{shares.min():.3f}  {rarest.min():.0%}", flush=True)  # fmt: skip
    print("all bars kept" if not missed else f"{missed} bars missed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
