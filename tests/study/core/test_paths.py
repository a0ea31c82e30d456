"""A file is there whole or not at all, and where two want a name the first stays."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Barrier, Thread

import pytest

from study.core.paths import Paths, write_beside_another_launch, write_once, write_whole


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_whole_replaces(tmp_path: Path) -> None:
    for text in ("one", "two"):
        write_whole(tmp_path / "deep" / "a", lambda path, text=text: path.write_text(text))
    assert (tmp_path / "deep" / "a").read_text() == "two"
    assert files(tmp_path / "deep") == ["a"]


@pytest.mark.parametrize("write", [write_whole, write_once])
def test_a_failed_write_leaves_nothing(tmp_path: Path, write) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "a", fail)
    assert files(tmp_path) == []


def test_a_folder_deleted_under_a_write_is_made_again(tmp_path: Path) -> None:
    folder, deletions = tmp_path / "folder", iter([True, False])

    def write(path: Path) -> None:
        path.write_text("whole")
        if next(deletions):
            shutil.rmtree(folder)

    write_beside_another_launch(folder / "a", write)
    assert (folder / "a").read_text() == "whole" and files(folder) == ["a"]

    def always(path: Path) -> None:
        shutil.rmtree(folder)

    with pytest.raises(FileNotFoundError):
        write_beside_another_launch(folder / "a", always)


def test_write_once_keeps_the_first(tmp_path: Path) -> None:
    assert write_once(tmp_path / "a", lambda path: path.write_text("first"))
    assert not write_once(tmp_path / "a", lambda path: path.write_text("second"))
    assert (tmp_path / "a").read_text() == "first"
    assert files(tmp_path) == ["a"]


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    barrier, won = Barrier(8), []

    def attempt(number: int) -> None:
        barrier.wait()
        if write_once(tmp_path / "a", lambda path: path.write_text(str(number))):
            won.append(number)

    threads = [Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(tmp_path / "a").read_text()] == [str(number) for number in won]


def test_layout() -> None:
    paths = Paths(Path("store"))
    assert paths.result("r", "gtzan", "f") == Path("store/results/r/gtzan-f.parquet")
    assert paths.weights("r") == Path("store/runs/r/weights.safetensors")
