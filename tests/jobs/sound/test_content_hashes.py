from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from jobs.sound import content_hashes as module
from jobs.sound.content_hashes import content_hashes


def test_hashes_are_sha256_and_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / name for name in ("a", "b", "gone", "a")]
    paths[0].write_bytes(b"one")
    paths[1].write_bytes(b"two")
    cache = tmp_path / "cache.parquet"
    one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two"))
    assert content_hashes(paths, cache, workers=2) == [one, two, None, one]

    hashed: list[str] = []
    monkeypatch.setattr(module, "content_hash", lambda path: hashed.append(path) or "new")
    assert content_hashes(paths, cache) == [one, two, None, one]
    assert hashed == []
    os.utime(paths[1], ns=(1, 1))  # touched: read again
    assert content_hashes(paths, cache) == [one, "new", None, one]
    assert hashed == [str(paths[1])]


def test_a_cache_that_cannot_be_read_is_made_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache.parquet"
    cache.write_bytes(b"not parquet")
    (tmp_path / "a").write_bytes(b"one")
    expected = [hashlib.sha256(b"one").hexdigest()]
    assert content_hashes([tmp_path / "a"], cache) == expected
    assert content_hashes([tmp_path / "a"], cache) == expected


@pytest.mark.parametrize("how", ["copied over", "moved over", "written into"])
def test_other_content_of_the_same_size_and_time_is_noticed(tmp_path: Path, how: str) -> None:
    """As `cp -p` leaves it."""
    path, other, cache = tmp_path / "a.wav", tmp_path / "b.wav", tmp_path / "cache.parquet"
    contents = [bytes(20_000), bytes(5000) + b"x" + bytes(14_999)]  # they differ where no sample is taken
    for file, content in zip((path, other), contents, strict=True):
        file.write_bytes(content)
        os.utime(file, ns=(1, 1))
    one, two = (hashlib.sha256(content).hexdigest() for content in contents)
    assert content_hashes([path], cache) == [one]
    if how == "moved over":
        other.rename(path)
    elif how == "copied over":
        shutil.copy2(other, path)
    else:
        path.write_bytes(contents[1])
        os.utime(path, ns=(1, 1))
    assert path.stat().st_mtime_ns == 1
    assert content_hashes([path], cache) == [two]


def test_where_times_say_nothing_a_sample_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = tmp_path / "a.wav", tmp_path / "cache.parquet"
    path.write_bytes(bytes(20_000))
    monkeypatch.setattr(module, "_stamp", lambda path: (20_000, 1, 1, 1))
    before = content_hashes([path], cache)
    for at in (0, 10_001, 19_999):
        path.write_bytes(bytes(at) + b"x" + bytes(19_999 - at))
        assert content_hashes([path], cache) != before


def test_afresh_reads_every_file_and_corrects_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = tmp_path / "a.wav", tmp_path / "cache.parquet"
    path.write_bytes(b"one")
    monkeypatch.setattr(module, "content_hash", lambda path: "wrong")
    assert content_hashes([path], cache) == ["wrong"]
    monkeypatch.undo()
    assert content_hashes([path], cache) == ["wrong"]
    right = [hashlib.sha256(b"one").hexdigest()]
    assert content_hashes([path], cache, afresh=True) == right == content_hashes([path], cache)
