"""A disk that is full, at many levels of room: is it always said to be full, and whole once there is room?

python -m benchmarks.disk_full STUDY [--levels 50]

STUDY is a folder of the small study of the tests, launched. Mounts a tmpfs, for which it needs the right to mount.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from jobs.failures import DISK_FULL
from jobs.records import read_attempts, read_trained
from study.core.errors import RunFailed
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from tests.jobs.test_disk_full import launched, scores

DISK_BYTES = 6 * 2**20


def outcome(folder: Path, disk: Path, room: int) -> str:
    whole = read_study(folder)
    study = whole.model_copy(update={"header": whole.header.model_copy(update={"store": disk})})
    paths, run = Paths(disk), read_plan(Paths(whole.store).plan, whole)[0]
    shutil.copytree(folder / "prepared", disk / "prepared")
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - room))
    try:
        launched(study, run)
        return "there was room"
    except RunFailed:
        causes = {attempt.cause for attempt in read_attempts(paths, run.run_id)}
    if not causes <= {None, DISK_FULL}:
        return f"CAUSES {causes}"
    if [path for path in disk.rglob("*.tmp") if path != filler]:
        return "HALF-WRITTEN FILES"
    trained = read_trained(paths, run.run_id)
    filler.unlink()
    launched(study, run)
    if trained is not None and trained != read_trained(paths, run.run_id):
        return "TRAINED TWICE"
    return "disk-full, then whole" if scores(study, run).equals(scores(whole, run)) else "OTHER ROWS"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--levels", type=int, default=50)
    options = parser.parse_args()
    paths = Paths(read_study(options.study).store)
    run = read_plan(paths.plan, read_study(options.study))[0]
    made = [path for folder in (paths.run(run.run_id), paths.results / run.run_id) for path in folder.rglob("*")]
    needed = sum(-(-path.stat().st_size // 4096) * 4096 for path in made if path.is_file())
    counts: Counter[str] = Counter()
    for room in np.linspace(0, needed, options.levels, endpoint=False).astype(int) // 4096 * 4096:
        with tempfile.TemporaryDirectory() as disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", disk], check=True)
            try:
                came = outcome(options.study, Path(disk), int(room))
            finally:
                subprocess.run(["umount", disk], check=True)
        counts[came] += 1
        if came != "disk-full, then whole":
            print(f"{room} bytes: {came}", flush=True)
    print(f"{options.levels} levels from 0 to {needed} bytes: {dict(counts)}")


if __name__ == "__main__":
    main()
