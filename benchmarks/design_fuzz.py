"""Two hundred study files drawn at random, each planned with three budgets on the command line.

    python benchmarks/design_fuzz.py [--studies 200]

Prints how often the exit status was 0 and 2; exits 1 at any traceback, any other status, and any plan that a fault
changed.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.design.random_studies import BUDGETS, write_random_study  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    arguments = parser.parse_args()
    draw, statuses, wrong = random.Random(0), Counter(), 0
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for number in range(arguments.studies):
        with tempfile.TemporaryDirectory() as folder:
            write_random_study(Path(folder), draw)
            plan, before = Path(folder) / "plan.parquet", None
            for budget in draw.sample(BUDGETS, 3):
                words = [sys.executable, "-m", "study", "design", folder, "--budget", budget]
                found = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
                statuses[found.returncode] += 1
                after = plan.read_bytes() if plan.exists() else None
                damaged = found.returncode != 0 and after != before
                if found.returncode not in (0, 2) or "Traceback" in found.stderr or damaged:
                    wrong += 1
                    text = (Path(folder) / "study.toml").read_text()
                    print(f"study {number}, budget {budget}: {found.returncode}\n{found.stderr}\n{text}")
                before = after
    print(f"{arguments.studies} studies, exit statuses {dict(statuses)}, wrong {wrong}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
