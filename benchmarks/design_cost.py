"""Is the cost of a plan what it turns out to be? Runs of two widths and of 1 to 8 sources, predicted and timed.

    python benchmarks/design_cost.py

A small study of tones is launched in this process. Prints the seconds that the runs took, and what was predicted for
them before anything had run (training and representing; the time of evaluations is not known then) and, for the rest of
the plan, after the first six runs, with the fixed part of a run; exits 1 if the latter is off by more than 15 %.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from jobs.records import read_attempts  # noqa: E402
from study.core.paths import Paths  # noqa: E402
from study.core.run import Run  # noqa: E402
from study.core.study_file import Study  # noqa: E402
from study.folder import open as open_study  # noqa: E402
from study.workflow.estimates import Estimate, estimate_from, planned_runs, read_records  # noqa: E402
from tests.small_study import STUDY, write_small_study  # noqa: E402

N_FIRST = 6
MOST_OFF = 0.15
PHASES = """
[factors]
width = [0.125, 0.25]
[[design.phase]]
name = "single"
strategy = ["SS-R"]
n_sources = [1]
[[design.phase]]
name = "sequential"
strategy = ["MS-CR@4", "MSS-CR"]
n_sources = { from = 2, to = 8 }
criterion = "anytime"
"""


def write(folder: Path) -> None:
    write_small_study(folder, n_corpus=96)
    tracks = pd.read_csv(folder / "pitch.csv")
    names = [f"pitch{number}" for number in range(5)]
    for name in names:
        tracks.to_csv(folder / f"{name}.csv", index=False)
    tables = "\n".join(f'[sources.{name}]\nlabels = "gmm"\ntable = "{name}.csv"\nfactors = 4' for name in names)
    text = STUDY.replace("random = 2", "random = 0").replace("width = 0.125\n", "").replace("epochs = 1", "epochs = 2")
    text = text[: text.index("[[design.phase]]")].replace("[training]", tables + "\n[training]")
    (folder / "study.toml").write_text(text + PHASES, encoding="utf-8")


def seconds_taken(study: Study, runs: Sequence[Run]) -> float:
    attempts = (attempt for run in runs for attempt in read_attempts(Paths(study.store), run.run_id))
    return sum(attempt.seconds or 0.0 for attempt in attempts)


def predicted_s(estimate: Estimate, runs: Sequence[Run]) -> float:
    hours = [estimate.hours(run) for run in runs]
    return 3600 * sum(each for each in hours if each is not None)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "study"
        write(folder)
        opened = open_study(folder)
        study = opened.settings
        opened.prepare()
        opened.design("10")
        runs = [run for run in planned_runs(study) if not run.is_baseline]
        # the shortest and the longest are among the first, as a plan that is balanced has them
        first, rest = runs[::5][:N_FIRST], [run for run in runs if run not in runs[::5][:N_FIRST]]
        before = estimate_from(study, read_records(study, runs), on_gpu=False, may_measure=True)
        opened.launch(in_process=True, runs=tuple(run.run_id for run in first))
        after = estimate_from(study, read_records(study, runs), on_gpu=False)
        opened.launch(in_process=True)
        took_s = seconds_taken(study, rest)
        off = predicted_s(after, rest) / took_s - 1
        print(f"{len(runs)} runs: {seconds_taken(study, runs):.1f} s; predicted before any had run: "
              f"{predicted_s(before, runs):.1f} s")  # fmt: skip
        print(f"the {len(rest)} runs after the first {len(first)}: {took_s:.1f} s, predicted "
              f"{predicted_s(after, rest):.1f} s ({off:+.1%})")  # fmt: skip
        for kind, finished in after.rates.finished.items():
            if kind in (("train",), ("represent",)):
                least = finished.seconds(0.0) if finished.n else 0.0
                print(f"{kind[0]}: {least:.2f} s whatever the run, of {finished.took_s / max(finished.n, 1):.2f} s")
    return int(abs(off) > MOST_OFF)


if __name__ == "__main__":
    sys.exit(main())
