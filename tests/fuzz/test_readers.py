"""1,000 files that nobody would write: each is read, or refused in plain words; none ends in a traceback or hangs.

`python -m benchmarks.fuzz_readers` tries 10,000.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.readers import Reader, cases, outcome, readers

N_CASES = 1000
NAMES = (
    "any design.csv", "any design.parquet", "any labels.csv", "any labels.parquet", "attempt", "checkpoint",
    "design.csv", "design.parquet", "hashes", "labels.csv", "labels.parquet", "log.jsonl", "numbers.csv",
    "numbers.parquet", "plan.parquet", "plays.parquet", "prepared.json", "result", "scores.csv", "scores.parquet",
    "sound.wav", "step_speed.json", "study.toml", "terms.csv", "terms.parquet", "trained.json", "weights",
)  # fmt: skip


@pytest.fixture(scope="module")
def all_readers(run_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Reader]]:
    folder = Path(shutil.copytree(run_study, tmp_path_factory.mktemp("fuzz") / "study"))
    found = readers(folder)
    assert set(found) == set(NAMES)
    yield found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_a_strangers_file_is_read_or_refused(all_readers: dict[str, Reader], name: str) -> None:
    reader = all_readers[name]
    whole = reader.path.read_bytes()
    try:
        assert outcome(reader, whole) == "read"
        wrong = []
        for number, content in cases(reader, 1 + N_CASES // len(NAMES), seed=13):
            came = outcome(reader, content)
            if came not in ("read", "refused"):
                wrong.append(f"case {number}: {came}")
        assert not wrong, "\n".join(wrong)
    finally:
        reader.path.write_bytes(whole)
