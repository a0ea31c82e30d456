"""A store of 14,021 result files: how long status and a launch with nothing to do take, and how much memory.

python -m benchmarks.load FOLDER [--runs 2003]

Makes the store if there is none: tones, seven targets, and runs with attempts, records and scores that nobody trained.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.preparation import prepare
from jobs.prepared_data import Prepared
from jobs.records import Trained, begin_attempt, now, write_attempt, write_trained
from study.core.paths import Paths
from study.core.plan import run_columns, write_plan
from study.core.reading import read_study
from study.core.results import PROBE_SCORES_VERSION, SCHEMA_VERSION, TRAIN_SCORES_VERSION, commit_result
from study.core.run import Run, baseline_runs, make_run
from study.core.strategies import STRATEGIES
from study.core.study_file import Study
from study.core.valid_results import expected_results
from tests.small_study import write_small_study

SMALL = """
import os, sys
nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (1, 2)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere), 0)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Measures a command from a small process, for a command's largest size includes that of whoever began it."""

COMMANDS = ("status", "launch", "launch without an index", "status without an index", "analyze")


def write_store(folder: Path, n_runs: int) -> None:
    """A study of `n_runs`, baselines included, all of them scored on seven targets."""
    write_small_study(folder)
    text = (folder / "study.toml").read_text()
    further = re.search(r"(?s)\[targets\.timbre\].*?(?=\[targets\.height\])", text)
    assert further is not None
    for number in range(4):
        text += "\n" + further[0].replace("timbre]", f"timbre-{number}]")
    (folder / "study.toml").write_text(text.replace("repeats = 2\n", "repeats = 5\n"))
    study = read_study(folder)
    prepared = prepare(study, workers=1)
    sources = [("self",), ("pitch",), ("tag",), ("self", "pitch"), ("self", "tag"), ("self", "pitch", "tag")]
    levels = [(strategy, few) for strategy, few in product(STRATEGIES, sources)
              if (len(few) == 1) == (strategy == "SS-R")]  # fmt: skip
    baselines = baseline_runs(study)
    runs = [make_run(study, "all", replicate, *levels[which]) for replicate, which in
            product(range(1 + n_runs // len(levels)), range(len(levels)))][: n_runs - len(baselines)]  # fmt: skip
    write_plan(Paths(study.store).plan, study, runs, lambda run: 0.01)
    rng = np.random.default_rng(1)
    for run in [*baselines, *runs]:
        write_run(study, prepared, run, rng)


def write_run(study: Study, prepared: Prepared, run: Run, rng: np.random.Generator) -> None:
    paths, moment = Paths(study.store), now()
    trained = Trained("ok", "a", 1.0, 10, "cpu", "float32", 1000, 32, 1, prepared.fingerprint_of(run),
                      TRAIN_SCORES_VERSION, moment)  # fmt: skip
    write_trained(paths, run.run_id, trained)
    for kind, targets in (("learn", tuple(study.targets)), *(("evaluate", (name,)) for name in study.targets)):
        attempt = begin_attempt(paths, run.run_id, kind, targets)
        write_attempt(paths, run.run_id, type(attempt)(**vars(attempt) | {"finished_at": now()}))
    common = {
        "schema_version": SCHEMA_VERSION, "run_id": run.run_id, "attempt": "a", "phase": run.phase,
        "replicate": run.replicate, "strategy": run.strategy, "n_sources": run.n_sources, **run_columns(study, run),
        "outcome": "ok", "train_seconds": 1.0, "train_steps": 10, "eval_seconds": 1.0, "device": "cpu",
        "precision": "float32", "n_parameters": 1000, "representation_dim": 32, "seed": study.seed, "threads": 1,
        "data_fingerprint": trained.data_fingerprint, "train_scores_version": TRAIN_SCORES_VERSION,
        "probe_scores_version": PROBE_SCORES_VERSION, "code_version": "0", "started_at": pd.Timestamp(moment),
        "finished_at": pd.Timestamp(moment),
    }  # fmt: skip
    for path, expected in expected_results(study, [run], prepared.target_fingerprints).items():
        name, _, fingerprint = path.stem.rpartition("-")
        rows = [
            common | {"target": name, "target_fingerprint": fingerprint, "repeat": repeat, "fold": fold,
                      "metric": metric, "score": float(rng.uniform(0.2, 0.8))}
            for repeat, fold, metric, _ in expected.rows[0]
        ]  # fmt: skip
        commit_result(path, rows, study)


def measured(command: str, folder: Path) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and the largest resident size in MB of a command and its children."""
    index = Paths(folder).results_index
    if "without an index" in command:
        index.unlink(missing_ok=True)
    further = ["--in-process"] if command.startswith("launch") else []
    began = time.monotonic()
    words = [sys.executable, "-P", "-m", "study", command.split()[0], str(folder), *further]
    used = subprocess.run([sys.executable, "-S", "-c", SMALL, *words], stdout=subprocess.PIPE, check=True, text=True)
    cpu_seconds, kilobytes = map(float, used.stdout.split()[-2:])
    return time.monotonic() - began, cpu_seconds, kilobytes / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=2003)
    parser.add_argument("--only", nargs="*", default=COMMANDS)
    options = parser.parse_args()
    if not options.folder.exists():
        write_store(options.folder, options.runs)
    subprocess.run([sys.executable, "-P", "-m", "study", "status", options.folder], stdout=subprocess.DEVNULL)
    for command in options.only:
        seconds, cpu_seconds, megabytes = measured(command, options.folder)
        print(f"| {command} | {seconds:.1f} | {cpu_seconds:.1f} | {megabytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
