"""How long planning takes, and what other tools take for the same.

    python benchmarks/design_speed.py

One thread. pyDOE3 and pyoptex are timed where they are installed (`pip install pyDOE3 pyoptex`), else left out by name.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import contextlib
import importlib.util
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from design.anytime import anytime
from design.balance_alias import balance_alias
from design.candidates import Candidates, Factor
from design.generate import generate
from design.information import log_efficiency, model_columns
from study.core.run import Run
from tests.design.spaces import paper_candidates, write_study

LARGE = """
[[design.phase]]
name = "sequential"
strategy = ["SS-R"]
n_sources = [1]
criterion = "anytime"
"""


def two_level(n_factors: int) -> Candidates:
    """All combinations of so many two-level factors."""
    codes = np.indices((2,) * n_factors, dtype=np.uint8).reshape(n_factors, -1).T
    factors = (Factor("strategy", ("MSS-CR",)), *(Factor(f"factor.f{k}", ("low", "high")) for k in range(n_factors)))
    return Candidates(factors, np.column_stack([np.zeros(len(codes), np.uint8), codes]))


def cpu_seconds(do: Callable[[], object], times: int = 1) -> float:
    """The least of a few."""
    found = []
    for _ in range(times):
        began = time.process_time()
        do()
        found.append(time.process_time() - began)
    return min(found)


def take(order: Callable, candidates: Candidates, balance: tuple[int, ...], n_runs: int) -> list[int]:
    return list(islice(order(candidates, candidates.codes[:0], balance, np.random.SeedSequence(0)), n_runs))


def efficiency(candidates: Candidates, codes: np.ndarray) -> str:
    repeats = len(codes) - len(np.unique(codes, axis=0))
    value = 100 * np.exp(log_efficiency(model_columns(candidates.factors, codes)))
    return f"{value:.2f} %" + (f", {repeats} runs repeat another" if repeats else "")


def main() -> None:
    paper = paper_candidates()
    every = paper.positions(("strategy", "sources", "n_sources"))
    print("352 of the paper's 1,230 candidates (seconds of CPU; D-efficiency)")
    for name, order, balance in (
        ("anytime", anytime, every), ("anytime, strategy balanced only", anytime, every[:1]),
        ("balance-alias (Algorithm 2)", balance_alias, every),
    ):  # fmt: skip
        seconds = cpu_seconds(lambda order=order, balance=balance: take(order, paper, balance, 352), times=5)
        print(f"  {name:34s} {seconds:8.3f}  {efficiency(paper, paper.codes[take(order, paper, balance, 352)])}")
    for name, other in {"pyDOE3": with_pydoe3, "pyoptex": with_pyoptex}.items():
        if importlib.util.find_spec(name) is None:
            print(f"  {name:34s} not installed: left out")
        else:
            found: list[np.ndarray] = []
            seconds = cpu_seconds(lambda other=other, found=found: found.append(other(paper, 352)))
            print(f"  {name:34s} {seconds:8.3f}  {efficiency(paper, found[0])}")

    print("growth (anytime, two-level factors, all balanced): seconds of CPU, and per candidate and run")
    for n_factors, n_runs in ((14, 250), (16, 250), (18, 250), (18, 500)):
        space = two_level(n_factors)
        seconds = cpu_seconds(
            lambda space=space, n=n_runs: take(anytime, space, tuple(range(1, len(space.factors))), n)
        )
        steps = n_runs + (0 if len(space) > 2**16 else 14 * (3 * (n_factors + 1) + 1))
        print(f"  2^{n_factors} x {n_runs:4d}: {seconds:7.2f} s, {1e9 * seconds / len(space) / steps:.1f} ns")
    space = two_level(20)
    seconds = cpu_seconds(lambda: take(anytime, space, tuple(range(1, 21)), 1000))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"1,000 of 2^20: {seconds:.1f} s, {peak:.2f} GiB at most")
    large_space()


def large_space() -> None:
    """200 of the 2^30 runs of thirty two-level factors; no design has more than 100 %."""
    with tempfile.TemporaryDirectory() as folder:
        study = write_study(Path(folder), LARGE, sources=1, factors="\n".join(f"f{k} = [0, 1]" for k in range(30)))
        found: list[list[Run]] = []
        seconds = cpu_seconds(lambda: found.append(generate(study, 200)))
    codes = np.array([[2.0 * run.factors[name] - 1 for name in study.further_factors] for run in found[0]])
    columns = np.column_stack([np.ones(len(codes)), codes])
    efficiencies = ", ".join(
        f"{100 * np.exp(log_efficiency(columns[:n])):.1f} % at {n}" for n in (32, 40, 60, 100, 200)
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"200 of 2^30: {seconds:.1f} s, {peak:.2f} GiB at most; D-efficiency {efficiencies}")


def with_pydoe3(candidates: Candidates, n_runs: int) -> np.ndarray:
    """pyDOE3's sequential algorithm of Dykstra, D-optimal, on the same columns."""
    from pyDOE3.doe_optimal import optimal_design

    columns = np.round(model_columns(candidates.factors, candidates.codes)[:, 1:], 9)
    design, _ = optimal_design(columns, n_runs, 1, "D", "sequential")
    rows = {row.tobytes(): k for k, row in enumerate(columns)}
    return candidates.codes[[rows[row.tobytes()] for row in np.ascontiguousarray(design)]]


def with_pyoptex(candidates: Candidates, n_runs: int) -> np.ndarray:
    """pyoptex's coordinate exchange, D-optimal, one start; it has no candidates to use up, so runs may repeat."""
    from pyoptex.doe.constraints import parse_constraints_script
    from pyoptex.doe.fixed_structure import Factor as Axis
    from pyoptex.doe.fixed_structure import create_fixed_structure_design, create_parameters, default_fn
    from pyoptex.doe.fixed_structure.metric import Dopt
    from pyoptex.utils.model import model2Y2X, partial_rsm_names

    names = [f"s{k}" for k in range(8)]
    axes = [Axis("strategy", type="categorical", levels=list("ABCDE"))]
    axes += [Axis(name, type="continuous", levels=[-1, 1]) for name in names]
    total = " + ".join(f"`{name}`" for name in names)
    model = model2Y2X(partial_rsm_names({"strategy": "lin", **dict.fromkeys(names, "lin")}), axes)
    forbidden = f"(({total}) < -5) | (({total}) > 7)"  # fewer than 2 or more than 7 sources
    with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
        allowed = parse_constraints_script(forbidden, axes)
    functions = default_fn(axes, Dopt(), model, constraints=allowed)
    with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        found, _ = create_fixed_structure_design(create_parameters(axes, functions, n_runs), n_tries=1)
    present = (found[names].to_numpy() > 0).astype(np.uint8)
    strategy = found["strategy"].map({letter: k for k, letter in enumerate("ABCDE")}).to_numpy()
    return np.column_stack([strategy, present, present.sum(axis=1) - 2]).astype(np.uint8)


if __name__ == "__main__":
    main()
