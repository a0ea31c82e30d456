"""A file is there whole or not at all, and where two want a name the first stays."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from threading import Barrier, Thread

import pytest

from study.core import writing
from study.core.writing import folder_whole, write_beside_another_launch, write_once, write_whole, written_whole


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_whole_replaces(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        write_whole(tmp_path / "deep" / "a", text)
    assert (tmp_path / "deep" / "a").read_bytes() == b"two"
    assert files(tmp_path / "deep") == ["a"]


def test_larger_than_a_buffer_and_with_a_header_written_last(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a") as file:
        for _ in range(3):
            file.write(b"-" * (writing.BUFFER_BYTES - 1))
        file.seek(0)
        file.write(b"header")
    assert (tmp_path / "a").read_bytes() == b"header" + b"-" * (3 * writing.BUFFER_BYTES - 9)


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"a")
    (tmp_path / "b").touch()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_a_failed_block_leaves_nothing_and_its_buffer_goes_nowhere(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", b"before")
    with pytest.raises(ZeroDivisionError), written_whole(tmp_path / "a") as file:
        file.write(b"half")
        raise ZeroDivisionError
    with (tmp_path / "b").open("wb"):  # which has the descriptor now
        del file
    assert files(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"before" and (tmp_path / "b").read_bytes() == b""


@pytest.mark.parametrize("deletions", [1, 2])
def test_a_folder_deleted_under_a_write_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deletions: int
) -> None:
    folder, times = tmp_path / "folder", iter([True] * deletions + [False] * 9)
    replace = writing.os.replace

    def replace_in_a_deleted_folder(source: Path, to: Path) -> None:
        if next(times):
            shutil.rmtree(folder)
        replace(source, to)

    monkeypatch.setattr(writing.os, "replace", replace_in_a_deleted_folder)
    if deletions == 1:
        write_beside_another_launch(folder / "a", b"whole")
        assert (folder / "a").read_bytes() == b"whole" and files(folder) == ["a"]
    else:
        with pytest.raises(FileNotFoundError):
            write_beside_another_launch(folder / "a", b"whole")


def test_write_once_keeps_the_first(tmp_path: Path) -> None:
    assert write_once(tmp_path / "a", b"first")
    assert not write_once(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert files(tmp_path) == ["a"]


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    barrier, won = Barrier(8), []

    def attempt(number: int) -> None:
        barrier.wait()
        if write_once(tmp_path / "a", str(number).encode()):
            won.append(number)

    threads = [Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(tmp_path / "a").read_text()] == [str(number) for number in won]


def test_a_folder_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        with folder_whole(tmp_path / "store") as temporary:
            write_whole(temporary / "deep" / text.decode(), text)
    assert files(tmp_path / "store" / "deep") == ["two"] and files(tmp_path) == ["store"]
    with pytest.raises(ZeroDivisionError), folder_whole(tmp_path / "store") as temporary:
        write_whole(temporary / "three", b"three")
        raise ZeroDivisionError
    assert files(tmp_path / "store") == ["deep"] and files(tmp_path) == ["store"]
