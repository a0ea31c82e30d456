"""Twenty spaces drawn by a fixed seed: is every factor as balanced as alone, and how much information does that cost?

    python benchmarks/design_balance.py [--starts 20] [--seed 12]

Each space has three to six sources, two to five strategies, one to three further factors of two to six levels, and 30
to 60 runs of the default plan. Prints, for each, the largest excess of a factor's unbalance over what it has when it
alone is balanced (factors that contradict others left out), and the D-efficiency as a share of the best of so many
starts of Fedorov's exchange; exits 1 if an excess is above 2 or a share below 0.89.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from itertools import islice  # noqa: E402

from design.anytime import anytime  # noqa: E402
from design.contradictions import balance_groups  # noqa: E402
from design.diagnostics import prefix_unbalance  # noqa: E402
from design.information import log_efficiency, model_columns  # noqa: E402
from design.model import parts_of  # noqa: E402
from design.phases import SequentialPhase, sequential_phases  # noqa: E402
from study.core.sections import BALANCED  # noqa: E402
from tests.design.spaces import SEVERAL, write_study  # noqa: E402
from tests.reference.fedorov import best_exchange  # noqa: E402

LEVELS = {
    "width": ["0.25", "0.5", "1.0", "2.0", "4.0", "8.0"], "activation": ['"relu"', '"elu"', '"gelu"'],
    "epochs": ["50", "100", "200", "400", "800"], "precision": ['"float32"', '"bf16"'],
    "optimiser": ['"adam"', '"sgd"', '"nadam"'],
}  # fmt: skip


def space(folder: Path, rng: np.random.Generator) -> tuple[SequentialPhase, int]:
    n_sources = int(rng.integers(3, 7))
    low = int(rng.integers(2, 4))
    high = int(rng.integers(low, n_sources + 1))
    strategies = rng.choice(SEVERAL, rng.integers(2, 6), replace=False).tolist()
    names = rng.choice(list(LEVELS), rng.integers(1, 4), replace=False)
    factors = {name: LEVELS[name][: int(rng.integers(2, len(LEVELS[name]) + 1))] for name in names}
    text = "\n".join(f"{name} = [{', '.join(levels)}]" for name, levels in factors.items())
    phase = f"""
[[design.phase]]
name = "sequential"
strategy = {[str(name) for name in strategies]}
n_sources = {{ from = {low}, to = {high} }}
criterion = "anytime"
"""
    (found,) = sequential_phases(write_study(folder, phase.replace("'", '"'), sources=n_sources, factors=text))
    return found, int(min(rng.integers(30, 61), len(found.candidates) * 2 // 3))


def codes_of_plan(phase: SequentialPhase, balance: tuple[int, ...], n_runs: int, slopes: bool) -> np.ndarray:
    candidates = phase.candidates
    order = anytime(candidates, phase.start, balance, np.random.SeedSequence(0), model=parts_of(None, slopes=slopes))
    return candidates.codes[list(islice(order, n_runs))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=12)
    arguments = parser.parse_args()
    rng, missed = np.random.default_rng(arguments.seed), 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(20):
            phase, n_runs = space(Path(folder) / str(number), rng)
            candidates = phase.candidates
            further = [f.name.removeprefix("factor.") for f in candidates.factors if f.name.startswith("factor.")]
            balance = candidates.positions((*BALANCED, *further))
            varies = len(candidates.factors[-1].levels) > 1
            codes = codes_of_plan(phase, balance, n_runs, varies)
            excess = {}
            for position in sum(balance_groups(candidates, balance)[0], ()):
                alone = codes_of_plan(phase, (position,), n_runs, False)
                spreads = [prefix_unbalance(candidates, each, (position,))[-1] for each in (codes, alone)]
                excess[candidates.factors[position].name] = int(spreads[0] - spreads[1])
            columns = model_columns(candidates.factors, candidates.codes)
            kept = independent(columns)
            best = best_exchange(columns[:, kept], n_runs, arguments.starts, np.random.default_rng(number))
            share = np.exp(log_efficiency(model_columns(candidates.factors, codes)[:, kept])) / best
            worst = max(excess, key=excess.__getitem__)
            missed += (excess[worst] > 2) + (share < 0.89)
            print(f"{number:2d}: {len(candidates):5d} candidates, {n_runs} runs, D {share:.1%}, "
                  f"largest excess {excess[worst]} ({worst})", flush=True)  # fmt: skip
    print("all bars kept" if not missed else f"{missed} bars missed")
    return int(missed > 0)


def independent(columns: np.ndarray) -> list[int]:
    """Columns that those before them do not determine."""
    kept: list[int] = []
    for column in range(columns.shape[1]):
        if np.linalg.matrix_rank(columns[:, [*kept, column]]) > len(kept):
            kept.append(column)
    return kept


if __name__ == "__main__":
    sys.exit(main())
