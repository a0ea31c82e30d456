from __future__ import annotations

import hashlib
import os
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
