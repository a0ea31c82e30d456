"""10,000 files that nobody would write: is each read or refused in plain words?

python -m benchmarks.fuzz_readers STUDY [--cases 10000] [--seed 14] [--only NAME ...]

STUDY is a folder of the small study of the tests, launched; a copy of it is used.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from tests.fuzz.readers import cases, outcome, readers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        found = readers(Path(shutil.copytree(options.study, Path(scratch) / "study")))
        for name in options.only or found:
            reader, counts, began = found[name], Counter[str](), time.process_time()
            whole = reader.path.read_bytes()
            for number, content in cases(reader, -(-options.cases // len(found)), options.seed):
                came = outcome(reader, content)
                counts[came if came in ("read", "refused") else "WRONG"] += 1
                if came not in ("read", "refused"):
                    print(f"  {name} case {number}: {came}", flush=True)
            reader.path.write_bytes(whole)
            total += counts
            print(f"{name}: {dict(counts)}, {time.process_time() - began:.1f} s", flush=True)
    print(dict(total))


if __name__ == "__main__":
    main()
