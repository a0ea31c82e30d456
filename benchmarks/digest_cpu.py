"""CPU time that digests take, as a part of what they are part of.

python -m benchmarks.digest_cpu sweep --before FOLDER [--pairs 7]
    A study of three runs, launched in process by another version's source (a checkout at FOLDER) and by this one, in
    alternation; the median of the ratios, with the rows compared.

python -m benchmarks.digest_cpu store [--gb 2]
    A mel store of that size: the CPU time of hashing its frames beside that of making them from sound, and beside that
    of representing them once with the base network.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tests.small_study import write_small_study

LAUNCH = """
import sys
from pathlib import Path
from study.core.reading import read_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
study = read_study(Path(sys.argv[1]), ["training.epochs=10", "training.width=0.25", "baselines.random=1"])
design_study(study, "1", replace=True)
from study.core.plan import read_plan
from study.core.paths import Paths
runs = [run.run_id for run in read_plan(Paths(study.store).plan, study)]
launch_study(study, LaunchOptions(in_process=True, runs=tuple(runs[:3])))
"""
TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at", "code_version"]
KEY = ["run_id", "target", "repeat", "fold", "metric"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sweep", "store"])
    parser.add_argument("--before", type=Path)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--gb", type=float, default=2.0)
    options = parser.parse_args()
    if options.what == "sweep":
        sweep(options.before, options.pairs)
    else:
        store(options.gb)


def sweep(before: Path, pairs: int) -> None:
    here = Path(__file__).parents[1]
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        template = write_small_study(Path(name) / "template", n_corpus=60, n_target=40)
        for pair in range(pairs):
            sources = (before, here) if pair % 2 == 0 else (here, before)
            seconds, rows = {}, {}
            for source in sources:
                folder = Path(shutil.copytree(template, Path(name) / f"{pair}-{source == here}"))
                seconds[source] = _launched(source, folder)
                rows[source] = _rows(folder)
            pd.testing.assert_frame_equal(rows[before], rows[here], check_exact=True)
            ratios.append(seconds[here] / seconds[before])
            print(f"pair {pair + 1}: before {seconds[before]:.2f} s, after {seconds[here]:.2f} s, "
                  f"ratio {ratios[-1]:.4f}, same rows", flush=True)  # fmt: skip
    print(f"median ratio of {pairs} pairs: {statistics.median(ratios):.4f}")


def _launched(source: Path, folder: Path) -> float:
    """CPU seconds of a launch, all its processes."""
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", LAUNCH, str(folder)], cwd=folder, env=environment, check=True, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _rows(folder: Path) -> pd.DataFrame:
    rows = pd.concat([pd.read_parquet(path) for path in sorted((folder / "results").glob("*/*.parquet"))])
    return rows.drop(columns=TIMES).sort_values(KEY, ignore_index=True)


def store(gb: float) -> None:
    import torch

    from jobs.learning.representation import represent
    from jobs.networks.branching import build_network
    from jobs.sound.mel_store import Counts, FrameDigests, MelStore, check_frames, encode, frames_digest
    from jobs.sound.spectra import mel_db
    from study.core.sections import Mel

    torch.set_num_threads(1)
    rate, channels, seconds, mel = 22050, 2, 30.0, Mel()
    sound = np.random.default_rng(1).standard_normal((channels, int(rate * seconds))).astype(np.float32) * 0.1

    def made() -> np.ndarray:
        decibels = mel_db(torch.from_numpy(sound).numpy(), rate, mel)
        return encode(decibels, float(decibels.max()), mel.store)

    frames = made()
    n_clips = max(1, round(gb * 1e9 / frames.nbytes))
    making_s = _cpu(made, 5) * n_clips
    hashing_s = _cpu(lambda: frames_digest(frames), 5) * n_clips
    few = 8  # what a clip takes does not depend on how many there are
    firsts = np.arange(few) * len(frames)
    lengths = np.full(few, len(frames))
    names = np.array([str(clip) for clip in range(few)], dtype=object)
    digests = FrameDigests(np.full(few, frames_digest(frames), dtype=object), np.zeros(few, dtype=bool))
    whole = MelStore(Path("memory"), names, firsts, lengths, lengths, np.zeros(few, dtype=np.float32), names,
                     np.concatenate([frames] * few), Counts(), digests)  # fmt: skip
    checking_s = _cpu(lambda: check_frames(whole, np.arange(few)), 1) / few * n_clips
    crop = mel.crop_frames(rate)
    for width in (0.25, 1.0):
        network = build_network("SS-R", {"self": None}, channels, mel.n_mels, width, seed=np.random.SeedSequence(0))
        statistics_of_bands = np.full(mel.n_mels, -40.0), np.ones(mel.n_mels)
        network.eval()
        representing_s = _cpu(lambda: represent(network, whole, statistics_of_bands, crop), 1) / few * n_clips  # noqa: B023
        both = (hashing_s + checking_s) / (making_s + representing_s)
        print(f"{gb:g} GB, {n_clips} clips of 30 s: making {making_s:.0f} s (decoding not counted)")
        print(f"    hashing {hashing_s:.2f} s ({hashing_s / making_s:.2%})")
        print(f"    representing at width {width:g} {representing_s:.0f} s")
        print(f"    checking {checking_s:.2f} s ({checking_s / representing_s:.2%}); of both {both:.2%}", flush=True)


def _cpu(work, times: int) -> float:
    """CPU seconds of one call: the median."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
