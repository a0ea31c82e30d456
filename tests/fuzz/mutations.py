"""Files of strangers: a valid one, changed by a random number generator in its bytes or in its structure."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from study.core.digests import MARK
from study.core.results import DIGEST

Mutation = Callable[[bytes, np.random.Generator], bytes]

DEEP = 20_000
ODD_JSON = (
    "null", "true", "-1", "0", "3", "0.5", "1e999", "-1e308", "NaN", "9" * 400, '""', '"x"', '"\\u0000"', '"\\ud800"',
    '"\\u001b[2J\\u001b]0;title\\u0007"', "[]", "{}", "[1]", '{"a": 1}', "[" * DEEP + "]" * DEEP, "[" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP, '"' + "y" * 100_000 + '"', '"../../etc/passwd"', '"2026-01-01"',
)  # fmt: skip
ODD_TOML = (
    "-1", "0", "1", "1000000000", "9223372036854775807", "1e308", "inf", "nan", '""', '"x"', "true", "[]", "{}", "[1]",
    "[[1], [2]]", '["a", "a"]', "{ from = 1, to = 1000000000 }", "{ from = -5, to = -9 }", "{ a = { b = 1 } }",
    "1979-05-27", '"\\u0000"', '"\\u001b[2J"', "[" * DEEP + "]" * DEEP, "'" + "z" * 100_000 + "'", "0x" + "f" * 200,
    "[" + "1, " * 50_000 + "1]", '"=1+1"', '"/dev/zero"', '"s3://x/y"',
)  # fmt: skip
ODD_CELLS = (
    "", "-1", "1e400", "nan", "inf", "NA", "null", '"', '""', "x" * 70_000, "\x00", "\x1b[2J", "=1+1", "@cmd",
    "../../x", "9" * 400, ",,,,", '"unclosed', "\u202eabc", "1979-05-27", "true", "/dev/zero", "é",
)  # fmt: skip


def flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for bit in rng.integers(0, 8 * len(changed), rng.integers(1, 9)):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def overwrite(content: bytes, rng: np.random.Generator) -> bytes:
    """A number of 1 to 8 bytes at its least, largest or another value."""
    at, size = int(rng.integers(0, len(content))), int(rng.choice([1, 2, 4, 8]))
    value = (bytes(size), b"\xff" * size, b"\xff" * (size - 1) + b"\x7f", rng.bytes(size))[rng.integers(0, 4)]
    return content[:at] + value + content[at + size :]


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: rng.integers(0, len(content))]


def remove(content: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(0, len(content) + 1, 2))
    return content[:first] + content[last:]


def repeat(content: bytes, rng: np.random.Generator) -> bytes:
    first, size = int(rng.integers(0, len(content))), int(rng.integers(1, 200))
    return content[:first] + content[first : first + size] * int(rng.integers(2, 50)) + content[first:]


def insert(content: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(content) + 1))
    return content[:at] + rng.bytes(int(rng.integers(1, 100))) + content[at:]


def nothing(content: bytes, rng: np.random.Generator) -> bytes:
    return (b"", b"\x00" * 4096, b"PAR1PAR1", b"{}", b"[]", b"\xff\xfe", rng.bytes(2000))[rng.integers(0, 7)]


def without_digest(content: bytes) -> bytes:
    """Content that says of no digest that it is one, as that of files of before."""
    for mark in (MARK, DIGEST):
        content = content.replace(mark, bytes([mark[0] ^ 1]) + mark[1:])
    return content


BYTES: tuple[Mutation, ...] = (flip_bits, overwrite, cut, remove, repeat, insert, nothing)


def odd_json(content: bytes, rng: np.random.Generator) -> bytes:
    """A value somewhere in the JSON (or in a line of it) replaced, or one more key or one less."""
    lines = content.decode().splitlines() if content.count(b"\n{") else [content.decode()]
    number = int(rng.integers(0, len(lines)))
    mark = "@@odd@@"
    lines[number] = json.dumps(_with_mark(json.loads(lines[number]), mark, rng))
    return "\n".join(lines).replace(json.dumps(mark), str(rng.choice(ODD_JSON))).encode("utf-8", "surrogatepass")


def _with_mark(value: Any, mark: str, rng: np.random.Generator) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        keys = list(value)
        key = keys[rng.integers(0, len(keys))]
        if rng.random() < 0.15:
            return {name: value[name] for name in keys if name != key} | ({mark: 1} if rng.random() < 0.5 else {})
        return value | {key: _with_mark(value[key], mark, rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = int(rng.integers(0, len(value)))
        return [*value[:at], _with_mark(value[at], mark, rng), *value[at + 1 :]]
    return mark


def odd_toml(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.decode().splitlines()
    keys = [number for number, line in enumerate(lines) if "=" in line]
    for at in rng.choice(keys, int(rng.integers(1, 3)), replace=False):
        lines[at] = f"{lines[at].partition('=')[0]}= {rng.choice(ODD_TOML)}"
    return "\n".join(lines).encode()


def odd_csv(content: bytes, rng: np.random.Generator) -> bytes:
    lines = content.decode().splitlines()
    for at in rng.integers(0, len(lines), int(rng.integers(1, 4))):
        cells = lines[at].split(",")
        cells[rng.integers(0, len(cells))] = str(rng.choice(ODD_CELLS))
        lines[at] = ",".join(cells)
    return "\n".join(lines).encode()


def odd_parquet(content: bytes, rng: np.random.Generator) -> bytes:
    """A column of another type, a column more, one less or one twice, no rows, or other metadata."""
    table = pq.read_table(pa.BufferReader(content))
    n, at = len(table), int(rng.integers(0, table.num_columns))
    name, how = table.column_names[at], rng.random()
    if how < 0.7:
        table = table.set_column(at, name, _odd_column(n, rng))
    elif how < 0.8:
        table = table.remove_column(at)
    elif how < 0.9:
        table = table.append_column(str(rng.choice([name, "", "\x1b[2J", "factor.", "source.x"])), _odd_column(n, rng))
    else:
        table = table.slice(0, 0)
    if rng.random() < 0.2:
        table = table.replace_schema_metadata({b"tables": b"[" * DEEP, b"pandas": b"{", b"rows_sha256": b"0"})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def _odd_column(n: int, rng: np.random.Generator) -> pa.Array:
    columns = (
        [b"\xff\x00"] * n, [[1, 2]] * n, [{"a": 1}] * n, [[[]]] * n, [None] * n, [True] * n, ["x\x1b[2J"] * n,
        [Decimal("1.5")] * n, [datetime(2026, 1, 1, tzinfo=UTC)] * n, [timedelta(days=1)] * n, [2**62] * n,
        [float("nan")] * n, [float("inf")] * n, [-1] * n, [["a", None]] * n, list(range(n)), [1e308] * n, [""] * n,
    )  # fmt: skip
    column = pa.array(columns[rng.integers(0, len(columns))])
    return column.dictionary_encode() if rng.random() < 0.2 and pa.types.is_string(column.type) else column


def odd_wav(content: bytes, rng: np.random.Generator) -> bytes:
    """A field of the header at an extreme."""
    field, form = ((4, "<I"), (16, "<I"), (20, "<H"), (22, "<H"), (24, "<I"), (28, "<I"), (32, "<H"), (34, "<H"),
                   (40, "<I"))[rng.integers(0, 9)]  # fmt: skip
    most = 2 ** (8 * struct.calcsize(form)) - 1
    value = (0, 1, 2, 7, 255, most, most // 2, most // 2 + 1, 3_200_000_000 % (most + 1))[rng.integers(0, 9)]
    return content[:field] + struct.pack(form, value) + content[field + struct.calcsize(form) :]


def odd_safetensors(content: bytes, rng: np.random.Generator) -> bytes:
    """A value of the header, or of what its metadata hold as JSON."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    inner = header["__metadata__"]
    if rng.random() < 0.8:
        key = str(rng.choice([name for name in inner if inner[name].startswith("{")]))
        inner[key] = odd_json(inner[key].encode(), rng).decode("utf-8", "replace")
        whole = json.dumps(header).encode()
    else:
        whole = odd_json(json.dumps(header).encode(), rng)
    return len(whole).to_bytes(8, "little") + whole + content[8 + size :]
