"""The estimate of the time to go against the truth, over a sweep of three widths.

    python benchmarks/time_to_go.py
    python benchmarks/time_to_go.py --cpu-time

Makes sound, runs a small study in process (SS-R and two strategies of several sources, widths 0.125, 0.5 and 1, three
targets) and prints at each fifth of its scores what was estimated, what it then took, and their ratio; beside it the
ratio of an estimate by counts: the time so far, by the share of scores that are done. `--cpu-time` counts seconds of
the processor instead of the clock's: for a machine that others use.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from jobs import records, steps
from jobs.steps import Report
from jobs.sweep import Progress
from study.core.reading import read_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study

RATE_HZ, N_CORPUS, N_TARGET = 8000, 160, 100
STUDY = """schema = 1
[study]
name = "time-to-go"
seed = 1
[corpus]
tracks = "corpus.csv"
sample_rate_hz = 8000
channels = 1
[mel]
n_fft = 256
hop_samples = 64
n_mels = 32
crop_s = 0.5
[sources.self]
labels = "self"
[sources.pitch]
labels = "gmm"
table = "pitch.csv"
factors = 8
[sources.loudness]
labels = "gmm"
table = "loudness.csv"
factors = 8
[factors]
strategy = ["SS-R", "MS-SR@FC", "MS-CR@2"]
width = [0.125, 0.5, 1.0]
[training]
epochs = 6
batch_size = 16
[targets.timbre]
task = "classification"
tracks = "timbre.csv"
[targets.pitch]
task = "regression"
tracks = "pitch_target.csv"
probe = "knn"
[targets.loudness]
task = "regression"
tracks = "loudness_target.csv"
probe = "knn"
[baselines]
random = 2
"""


def write_study(folder: Path) -> None:
    """The study file, its sound (a second each) and its tables."""
    rng = np.random.default_rng(0)
    (folder / "sound").mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(N_CORPUS + N_TARGET):
        pitch_hz, decibels, n_partials = rng.uniform(200, 900), rng.uniform(-30, 0), 1 + number % 4
        seconds = np.arange(RATE_HZ) / RATE_HZ
        tone = sum(np.sin(2 * np.pi * pitch_hz * k * seconds) / k for k in range(1, n_partials + 1))
        sound = 0.2 * 10 ** (decibels / 20) * (tone + 0.05 * rng.standard_normal(RATE_HZ))
        path = f"sound/{number:03d}.wav"
        soundfile.write(folder / path, sound, RATE_HZ)
        rows.append((f"{number:03d}", path, pitch_hz, decibels, f"partials {n_partials}"))
    table = pd.DataFrame(rows, columns=["track_id", "path", "pitch", "loudness", "timbre"])
    corpus, target = table[:N_CORPUS], table[N_CORPUS:]
    corpus[["track_id", "path"]].to_csv(folder / "corpus.csv", index=False)
    for source in ("pitch", "loudness"):
        corpus.assign(value=corpus[source])[["track_id", "value"]].to_csv(folder / f"{source}.csv", index=False)
    for name, file in (("timbre", "timbre"), ("pitch", "pitch_target"), ("loudness", "loudness_target")):
        target.assign(label=target[name])[["track_id", "path", "label"]].to_csv(folder / f"{file}.csv", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")


def main(folder: Path) -> None:
    write_study(folder)
    study = read_study(folder)
    summary = design_study(study, "12")
    print(f"{summary['runs']} runs, at first {summary['seconds_to_go']:.0f} s")
    seen: list[tuple[float, float | None, float]] = []
    began_at = [time.monotonic()]

    def show(progress: Progress, report: Report) -> None:
        share = progress.evaluations_done / progress.n_evaluations
        seen.append((time.monotonic() - began_at[0], progress.seconds_to_go, share))

    def tell(line: str) -> None:
        print(line)
        began_at[0] = time.monotonic()  # the last line comes as the first step begins

    launch_study(study, LaunchOptions(in_process=True), tell, show)
    total_s = seen[-1][0]
    print(f"{total_s:.0f} s in all\nscores  to go, s  estimated, s  estimate/truth  by counts/truth")
    ratios = []
    for elapsed_s, to_go_s, share in seen:
        if to_go_s is not None and 0.2 <= share < 1:
            ratios.append((share, elapsed_s, to_go_s, to_go_s / (total_s - elapsed_s)))
    for fifth in (0.2, 0.4, 0.6, 0.8):
        share, elapsed_s, to_go_s, ratio = next(each for each in ratios if each[0] >= fifth)
        by_counts = elapsed_s * (1 - share) / share / (total_s - elapsed_s)
        print(f"{share:6.0%}  {total_s - elapsed_s:8.1f}  {to_go_s:12.1f}  {ratio:14.2f}  {by_counts:15.2f}")
    within = [ratio for share, _, _, ratio in ratios if share < 0.9]
    print(f"from a fifth to nine tenths of the scores: {min(within):.2f} to {max(within):.2f}")


def count_processor_time() -> None:
    """Let every clock that the sweep looks at show this process's time."""
    time.monotonic = time.process_time

    def now() -> str:
        return datetime.fromtimestamp(time.process_time(), UTC).isoformat(timespec="microseconds")

    records.now = steps.now = now


if __name__ == "__main__":
    if "--cpu-time" in sys.argv:
        count_processor_time()
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
