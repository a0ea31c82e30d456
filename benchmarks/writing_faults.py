"""Every place of writing, failing in every way: do the rows of an undisturbed run come out once it is launched again?

python -m benchmarks.writing_faults [--every 1] [--part 0 --parts 1]

A place is a function of the program and a call to the system that it asks for; `--every N` takes each Nth of all calls
instead of the first and the last of each place.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.disk import KINDS, FaultyDisk
from tests.faults.test_writing_faults import end_and_launch_again
from tests.faults.tiny_study import copy_of, rows_of, run_all, write_tiny_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=0)
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        tiny = write_tiny_study(Path(scratch) / "tiny")
        undisturbed = copy_of(tiny, Path(scratch) / "undisturbed")
        with patch.context() as inner:
            calls = FaultyDisk(undisturbed, inner).calls
            run_all(undisturbed)
        rows = rows_of(undisturbed)
        first = {call: number for number, call in reversed(list(enumerate(calls)))}
        last = {call: number for number, call in enumerate(calls)}
        numbers = (
            list(range(0, len(calls), options.every)) if options.every else sorted({*first.values(), *last.values()})
        )
        cases = [(number, kind) for number in numbers for kind in KINDS][options.part :: options.parts]
        counts: Counter[str] = Counter()
        for case, (number, kind) in enumerate(cases):
            try:
                again = end_and_launch_again(copy_of(tiny, Path(scratch) / str(case)), number, kind, patch)
                outcome = "same rows" if again.equals(rows) else "OTHER ROWS"
            except Exception as error:
                outcome = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            counts[outcome] += 1
            if outcome != "same rows":
                print(f"{calls[number]} (call {number}) {kind}: {outcome}", flush=True)
        print(f"{len(calls)} calls, {len(first)} places, {len(cases)} cases: {dict(counts)}")


if __name__ == "__main__":
    main()
