"""Two hundred study files drawn at random: each planned with three budgets, then appended to five times with failures.

    python benchmarks/design_fuzz.py [--first 0] [--studies 200]

Every budget is typed as on the command line. Before each append, two planned runs fail for a cause of their own. Prints
how often the exit status was 0 and 2; exits 1 at any other end, any plan that a fault changed, and any failed run that
comes back.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from jobs.failures import ERROR, Failure  # noqa: E402
from jobs.records import begin_attempt, end_open_attempt, write_attempt  # noqa: E402
from study.cli import run as command_line  # noqa: E402
from study.core.paths import Paths  # noqa: E402
from study.core.plan import planned_ids  # noqa: E402
from tests.design.random_studies import BUDGETS, write_random_study  # noqa: E402

APPENDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--studies", type=int, default=200)
    arguments = parser.parse_args()
    statuses: Counter[int] = Counter()
    n_wrong = 0
    for number in range(arguments.first, arguments.first + arguments.studies):
        with tempfile.TemporaryDirectory() as folder:
            wrong = list(faults_of_study(Path(folder), random.Random(number), statuses))
            n_wrong += len(wrong)
            for what in wrong:
                text = (Path(folder) / "study.toml").read_text()
                print(f"study {number}: {what}\n{text}", flush=True)
    print(f"studies {arguments.first} to {arguments.first + arguments.studies - 1}: "
          f"exit statuses {dict(statuses)}, wrong {n_wrong}")  # fmt: skip
    return int(n_wrong > 0)


def faults_of_study(folder: Path, draw: random.Random, statuses: Counter[int]) -> Iterator[str]:
    """What goes wrong with one random study, in words."""
    write_random_study(folder, draw)
    plan = folder / "plan.parquet"
    budgets = draw.sample(BUDGETS, 3)
    failed: set[str] = set()
    for words in [["--budget", budget] for budget in budgets] + [["--append", "--budget", "12"]] * APPENDS:
        if "--append" in words:
            ids = planned_ids(plan)
            for run_id in draw.sample(ids, min(2, len(ids))):
                failed.add(run_id)
                fail(folder, run_id)
        before = plan.read_bytes() if plan.exists() else None
        status, said = typed("design", str(folder), *words)
        statuses[status] += 1
        if status not in (0, 2):
            yield f"{words} ended with {status}\n{said}"
        if status != 0 and before != (plan.read_bytes() if plan.exists() else None):
            yield f"{words} changed the plan although it was refused"
        if status == 0 and failed & set(planned_ids(plan)):
            yield f"{words} planned failed runs again: {failed & set(planned_ids(plan))}"


def fail(folder: Path, run_id: str) -> None:
    """A run of the study in the folder fails for a cause of its own."""
    paths = Paths(folder)
    write_attempt(paths, run_id, begin_attempt(paths, run_id, "learn", ()))
    end_open_attempt(paths, run_id, "learn", (), Failure(ERROR, "it did"))


def typed(*words: str) -> tuple[int, str]:
    """The exit status of a command, -1 where it ends in a traceback; and what it wrote to standard error."""
    error = io.StringIO()
    with mock.patch.object(sys, "argv", ["study", *words]), contextlib.redirect_stdout(io.StringIO()), \
            contextlib.redirect_stderr(error):  # fmt: skip
        try:
            command_line()
        except SystemExit as end:
            return int(end.code or 0), error.getvalue()
        except Exception:
            return -1, traceback.format_exc()
    return 0, error.getvalue()


if __name__ == "__main__":
    sys.exit(main())
