from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from study.core import processes, temporary_files
from study.core.paths import Paths
from study.core.temporary_files import sweep, sweep_store
from study.core.writing import temporary_beside

KILLED = """
import os, pathlib, signal, sys
from study.core.writing import written_whole
with written_whole(pathlib.Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "weights"
    subprocess.run([sys.executable, "-c", KILLED, target], check=False)
    (left,) = target.parent.iterdir()
    mine = temporary_beside(target)
    mine.write_text("being written")
    assert sweep(tmp_path) == [left] and list(target.parent.iterdir()) == [mine]


def test_a_folder_with_all_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = temporary_beside(tmp_path / "store")
    (folder / "frames").mkdir(parents=True)
    assert sweep(tmp_path) == []
    monkeypatch.setattr(processes, "started", lambda pid: 7)  # the number is another process's by now
    assert sweep(tmp_path) == [folder] and not folder.exists()


@pytest.mark.parametrize("name", [".weights.3f2a9c0d1e4b.tmp", ".weights.00000000-17-4711-0badcafe.tmp"])
def test_of_another_machine_only_what_nobody_has_touched_for_a_day(tmp_path: Path, name: str) -> None:
    """And of releases whose names did not say who writes."""
    path = tmp_path / name
    path.mkdir()
    (path / "frames.npy").touch()
    long_ago = time.time() - 2 * temporary_files.UNTOUCHED_S
    os.utime(path, (long_ago, long_ago))
    assert sweep(tmp_path) == [], "a file in it has just been written"
    os.utime(path / "frames.npy", (long_ago, long_ago))
    assert sweep(tmp_path) == [path]


def test_a_users_own_folders_in_the_study_folder_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in ("plan.parquet", "runs/r/log", "sound/a.wav")]
    left = [temporary_beside(path) for path in paths]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    users = tmp_path / ".notes.tmp"
    users.touch()
    os.utime(users, (0, 0))
    monkeypatch.setattr(processes, "started", lambda pid: 7)
    assert sweep_store(Paths(tmp_path)) == left[:2] and left[2].exists() and users.exists()


def test_other_files_stay(tmp_path: Path) -> None:
    for name in ("notes.tmp", ".hidden", "plan.parquet", ".tmp-of-mine"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    assert sweep(tmp_path) == [] and len(list(tmp_path.iterdir())) == 4
