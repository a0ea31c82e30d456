"""Every prefix of an `anytime` plan against the design that Kim et al. 2019 published, and against Fedorov's optima.

    python benchmarks/design_published.py [experimental_design.csv] [--seeds 10]

The CSV is `experimental_design.csv` of eldrin/MTLMusicRepresentation-PyTorch (default: ../shared/reference/kim2019).
Prints, for each number of runs, the published figure and the worst over the seeds; exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from design.aliasing import canonical_correlations  # noqa: E402
from design.anytime import anytime  # noqa: E402
from design.diagnostics import prefix_unbalance  # noqa: E402
from design.information import log_efficiency, model_columns  # noqa: E402
from design.model import parts_of  # noqa: E402
from tests.design.spaces import paper_candidates  # noqa: E402

SIZES = (20, 40, 60, 80, 100, 150, 200, 250, 300, 352)
CANDIDATES = paper_candidates()
ALL = CANDIDATES.positions(("strategy", "sources", "n_sources"))
STRATEGY = CANDIDATES.positions(("strategy",))


def published_codes(path: Path) -> np.ndarray:
    """The published runs, the first 352, as level numbers; `arc` 1 is MSS-CR, 5 is MS-SR@FC."""
    with path.open() as file:
        rows = list(csv.DictReader(file))[: SIZES[-1]]
    return np.array(
        [[5 - int(row["arc"]), *(int(row[f"s{k}"]) for k in range(1, 9)), int(row["n"]) - 2] for row in rows], np.uint8
    )


def plan(seed: int, balance: tuple[int, ...]) -> np.ndarray:
    model = parts_of(None, slopes=balance == ALL)
    order = anytime(CANDIDATES, CANDIDATES.codes[:0], balance, np.random.SeedSequence(seed), model=model)
    return CANDIDATES.codes[list(islice(order, SIZES[-1]))]


def slope_errors(codes: np.ndarray) -> np.ndarray:
    """Expected standard error of each strategy's slope on n* (n_strategies,), in residual standard deviations."""
    within = [codes[codes[:, 0] == strategy, -1].astype(float) for strategy in range(5)]
    return np.array([1 / np.sqrt(((n - n.mean()) ** 2).sum()) for n in within])


def least_alike(n_runs: int, unbalance: int) -> float:
    """The smallest error that all five slopes can have at once: n as much apart as that unbalance of n_sources lets.

    The extremes have `unbalance` runs more than the least used; what is used up (n = 7 at 40 runs) does not help.
    """
    most = 0.0
    for least in range(n_runs // 6 + 1):
        counts, left = np.full(6, least), n_runs - 6 * least
        for n in (0, 5, 1, 4, 2, 3):
            counts[n] += min(unbalance, left)
            left -= min(unbalance, left)
        n = np.repeat(np.arange(6.0), counts)
        most = most if left else max(most, ((n - n.mean()) ** 2).sum())
    return float(1 / np.sqrt(most / 5))


def figures(codes: np.ndarray) -> np.ndarray:
    """(n_sizes, 5): unbalance, source-source and source-strategy canonical correlation, slopes' SE: largest, mean."""
    unbalance = prefix_unbalance(CANDIDATES, codes, ALL)
    rows = []
    for size in SIZES:
        _, canonical = canonical_correlations(CANDIDATES.factors, codes[:size])
        np.fill_diagonal(canonical, 0)
        errors = slope_errors(codes[:size])
        aliasing = canonical[1:9, 1:9].max(), canonical[0, 1:9].max()
        rows.append((unbalance[size - 1], *aliasing, max(errors), np.mean(errors)))
    return np.array(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT / "../shared/reference/kim2019/experimental_design.csv"
    parser.add_argument("design", type=Path, nargs="?", default=default)
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    theirs = published_codes(arguments.design)
    published = figures(theirs)
    plans = [plan(seed, ALL) for seed in range(arguments.seeds)]
    worst = np.max([figures(codes) for codes in plans], axis=0)
    share = np.array([1.0 if size == 20 else 0.5 for size in SIZES])
    bars = published * np.column_stack([np.ones(10), share, share, np.ones(10), np.ones(10)])
    print(f"balance = strategy, sources, n_sources; worst of {arguments.seeds} seeds; published -> ours")
    print("runs  unbalance  source-source    source-strategy  slope SE, largest  slope SE, mean")
    for size, of_published, ours in zip(SIZES, published, worst, strict=True):
        cells = [f"{of_published[0]:4.0f} -> {ours[0]:2.0f}"]
        cells += [f"{p:.3f} -> {o:.3f}" for p, o in zip(of_published[1:], ours[1:], strict=True)]
        print(f"{size:4d}  " + "  ".join(cells))
    missed = (worst > bars + 1e-9).sum()

    print(
        "\nslopes strategy by strategy: the published five, smallest first; the median and the worst of ours; the least"
    )
    print("that five alike could have with the published unbalance of n_sources; how often ours is larger than its own")
    for size, of_published in zip(SIZES, published, strict=True):
        errors = slope_errors(theirs[:size])
        ours = np.array([slope_errors(codes[:size]) for codes in plans])
        told = " ".join(f"{error:.3f}" for error in np.sort(errors))
        least = least_alike(size, int(of_published[0]))
        larger = (ours > errors + 1e-9).mean()
        print(f"{size:4d}  {told}   {np.median(ours):.3f} {ours.max():.3f}   {least:.3f}   {larger:.0%}")

    optima = {int(k): v for k, v in json.loads((ROOT / "tests/reference/fedorov.json").read_text()).items()}
    shares = []
    for seed in range(arguments.seeds):
        columns = model_columns(CANDIDATES.factors, plan(seed, STRATEGY))
        shares.append([np.exp(log_efficiency(columns[:size])) / optima[size] for size in SIZES])
    least = np.min(shares, axis=0)
    print(
        f"\nbalance = strategy; D-efficiency as a share of Fedorov's optimum for that size, worst of {arguments.seeds}"
    )
    print("  ".join(f"{size}: {share:.2%}" for size, share in zip(SIZES, least, strict=True)))
    missed += (least < np.where(np.array(SIZES) == 20, 0.96, 0.99)).sum()
    print("\nall bars kept" if not missed else f"\n{missed} bars missed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
