"""The digest that a file holds of itself."""

from __future__ import annotations

import errno
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.core.content import npz_bytes
from study.core.digests import (
    BLANK,
    facts_of,
    is_sealed,
    read,
    read_needed,
    sealed,
    sealed_json,
    sealed_parquet,
    table_of,
)
from study.core.errors import Damaged, InputFaults

safetensors = pytest.importorskip("safetensors.numpy", reason="needs the extra [train]")
load, save = safetensors.load, safetensors.save

TABLE = pa.table({"run": ["a", "b"], "n": [1, 2]}).replace_schema_metadata({"study": "small"})


def test_other_programs_read_what_is_sealed() -> None:
    assert json.loads(sealed_json({"a": 1}))["a"] == 1 and facts_of(sealed_json({"a": 1})) == {"a": 1}
    table = pq.read_table(io.BytesIO(sealed_parquet(TABLE)))
    assert table.to_pylist() == TABLE.to_pylist() and table.schema.metadata[b"study"] == b"small"
    array = np.arange(12.0)
    assert (np.load(io.BytesIO(sealed(npz_bytes(values=array))))["values"] == array).all()
    assert (load(sealed(save({"values": array}, {"digest": BLANK})))["values"] == array).all()


@given(st.binary(max_size=300), st.data())
def test_any_other_content_is_found(content: bytes, data: st.DataObject) -> None:
    whole = sealed(content)
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at] ^= data.draw(st.integers(1, 255))
    path = Path("/dev/shm/study-test-digests")
    try:
        path.write_bytes(whole)
        assert is_sealed(whole) and read(path, bytes, "again") == whole
        path.write_bytes(flipped)
        try:
            kept = read(path, bytes, "again")
        except Damaged:
            return
        assert not is_sealed(kept) and kept[: len(content)] == content, "the mark itself, and nothing else"
    finally:
        path.unlink()


def test_what_is_damaged_names_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    with pytest.raises(FileNotFoundError):
        read(path, table_of, "restore it")
    with pytest.raises(Damaged, match=r"plan.parquet: damaged, missing; restore it"):
        read_needed(path, table_of, "restore it")
    path.write_bytes(b"PAR1 of before, truncated")
    with pytest.raises(Damaged, match="truncated or not what it should be; restore it"):
        read(path, table_of, "restore it")


def test_whole_but_of_another_version_is_left(tmp_path: Path) -> None:
    """It is not to be made again: a training may have taken a day."""
    path = tmp_path / "trained.json"
    path.write_bytes(sealed_json({"moon": "full"}))
    with pytest.raises(InputFaults, match=r"whole, but not readable by this version .*KeyError.*left as it is"):
        read(path, lambda content: facts_of(content)["outcome"], "again")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES])
def test_what_cannot_be_read_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(self: Path) -> bytes:
        raise OSError(number, "why", str(self))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(InputFaults, match=r"weights: cannot be read \(why\); it is left as it is"):
        read(tmp_path / "weights", bytes, "again")
