"""How large a report is, and how long its sentences are, with many targets.

    python benchmarks/report_size.py [--targets 40]

88 simulated runs of eight sources; the page has to stay under 3 MB and a sentence under 400 characters.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.analyze import analyze
from tests.analysis.conftest import simulated_results

SOURCES = ("self", "bpm", "year", "tag", "taste", "lyrics", "cdr_tag", "artist")
LONGEST = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=40)
    arguments = parser.parse_args()
    targets = tuple(f"target{k:02d}" for k in range(arguments.targets))
    started = time.perf_counter()
    analysis = analyze(simulated_results(targets=targets, sources=SOURCES, per_cell=2))
    analyzed = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        size = analysis.write_report(Path(folder)).stat().st_size
    written = time.perf_counter()
    print(f"{arguments.targets} targets, {len(analysis.table.runs)} runs: page of {size / 1e6:.2f} MB; analysed in "
          f"{analyzed - started:.0f} s, written in {written - analyzed:.0f} s")  # fmt: skip
    for sentence in analysis.findings:
        if len(sentence) > LONGEST:
            print(f"{len(sentence)} characters: {sentence[:100]} ...")


if __name__ == "__main__":
    main()
