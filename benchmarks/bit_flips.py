"""Bit flips of every kind of file of a store: none may be accepted with another content, or raise anything uncaught.

python -m benchmarks.bit_flips STUDY [--flips 30000]

STUDY is a study that has been launched; it is copied, and the copy is changed.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from jobs.prepared_data import read_prepared
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.results import StoredResult
from study.core.study_file import Study
from study.core.valid_results import check_content, expected_results
from tests.jobs.test_damage import flips, readers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--flips", type=int, default=30_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = read_study(shutil.copytree(options.study, Path(folder) / "study"))
        run = read_plan(Paths(study.store).plan, study)[0]
        kinds = readers(study, run)
        each = options.flips // (len(kinds) + 1)
        print(of_results(study, each))
        for kind, (path, look) in kinds.items():
            counts = flips(path, look, each, seed=13)
            print(f"{kind}: {path.name}, {path.stat().st_size} bytes, {counts}", flush=True)


def of_results(study: Study, n_flips: int) -> str:
    runs = read_plan(Paths(study.store).plan, study)
    of_files = expected_results(study, runs, read_prepared(study).target_fingerprints)
    path, expected = next((path, one) for path, one in of_files.items() if path.is_file())
    target, _, fingerprint = path.stem.rpartition("-")
    stored = StoredResult(path, path.parent.name, target, fingerprint)
    whole, rows = path.read_bytes(), pq.read_table(path).to_pylist()
    counts: Counter[str] = Counter()
    for bit in np.random.default_rng(13).choice(8 * len(whole), min(n_flips, 8 * len(whole)), replace=False):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        checked = check_content(stored, bytes(flipped), expected)
        same = checked.table is not None and checked.table.to_pylist() == rows
        counts["found" if checked.fault is not None else "the same" if same else "ANOTHER"] += 1
    return f"results: {path.name}, {len(whole)} bytes, {dict(counts)}"


if __name__ == "__main__":
    main()
