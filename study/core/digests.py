"""The digest that a file holds of itself, by which a reader sees whether any bit of it has changed.

It is written `study-sha256:` and 64 hexadecimal digits, where the format has room for text: in JSON, in the metadata of
Parquet and safetensors, after the end of NumPy's arrays. It is the SHA-256 of the whole file with zeros in place of
those digits, and is checked before anything interprets the content. Files of before have none.
It detects damage and is no signature: whoever edits a file can compute another.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from study.core.errors import Damaged, Fault, InputFaults, StudyError

if TYPE_CHECKING:
    import pyarrow as pa

MARK = b"study-sha256:"
ZEROS = b"0" * 64
BLANK = (MARK + ZEROS).decode()
"""What stands in the place of the digest in content that is to be sealed."""
KEY = "digest"
"""The key of the digest in JSON and in metadata."""
DIGITS = re.compile(rb"[0-9a-f]{64}")
CHANGED = "its content is not what was written"
TRUNCATED = "truncated or not what it should be"

Content = TypeVar("Content")


def sealed(content: bytes) -> bytes:
    """The content with its digest in place of `BLANK`, which it holds once, or with its digest appended."""
    if BLANK.encode() not in content:
        content += BLANK.encode()
    at = content.rfind(MARK) + len(MARK)
    return content[:at] + _digest(content, at) + content[at + len(ZEROS) :]


def sealed_json(facts: Mapping[str, Any]) -> bytes:
    """JSON, whose digest is its last value."""
    return sealed(json.dumps({**facts, KEY: BLANK}, indent=1).encode())


def sealed_parquet(table: pa.Table) -> bytes:
    """A Parquet file, whose digest is in its metadata."""
    from study.core.content import parquet_bytes  # commands that read no table import this file, too

    return sealed(parquet_bytes(table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: BLANK})))


def read(path: Path, parse: Callable[[bytes], Content], remedy: str) -> Content:
    """What `parse` makes of a file's content.

    Raises FileNotFoundError, Damaged with the `remedy` if the content is not what was written, and InputFaults naming
    the file if it cannot be read at all, or is whole but not for this version: then it is not to be made again.
    """
    content = read_bytes(path)
    is_whole = is_sealed(content)
    if is_whole and not _agrees(content):
        raise Damaged(path, CHANGED, remedy)
    try:
        return parse(content)
    except (StudyError, MemoryError):
        raise
    except Exception as error:  # damaged content without a digest may make any parser raise anything
        if is_whole:
            why = f"whole, but not readable by this version of the program ({type(error).__name__}: {error})"
            raise InputFaults([Fault(str(path), "", None, f"{why}; it is left as it is")]) from error
        raise Damaged(path, TRUNCATED, remedy) from error


def read_needed(path: Path, parse: Callable[[bytes], Content], remedy: str) -> Content:
    """As `read`, of a file that must be there: one that is missing is damaged, too."""
    try:
        return read(path, parse, remedy)
    except FileNotFoundError:
        raise Damaged(path, "missing", remedy) from None


def read_bytes(path: Path) -> bytes:
    """A file's content. Raises FileNotFoundError, and InputFaults naming it if it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:  # a file stands in the place of a folder above it
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from None
    except OSError as error:
        raise InputFaults([unreadable_fault(path, error)]) from error


def unreadable_fault(path: Path, error: OSError) -> Fault:
    """Its disk, its mode or its server is what is wrong."""
    why = f"cannot be read ({error.strerror}); it is left as it is, for it may be whole"
    return Fault(str(path), "", None, why)


def facts_of(content: bytes) -> dict[str, Any]:
    """The facts of `sealed_json`."""
    facts = json.loads(content)
    return {key: value for key, value in facts.items() if key != KEY}


def table_of(content: bytes) -> pa.Table:
    """The table of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(content))
    table.schema.names  # noqa: B018  raises where a name is damaged
    table.validate(full=True)  # text of which no text can be made, too
    return table


def is_sealed(content: bytes) -> bool:
    """Whether the content holds a digest; one of before does not, nor one whose mark is what was damaged."""
    at = content.rfind(MARK) + len(MARK)
    return at >= len(MARK) and DIGITS.match(content, at) is not None


def _agrees(content: bytes) -> bool:
    at = content.rfind(MARK) + len(MARK)
    return content[at : at + len(ZEROS)] == _digest(content, at)


def _digest(content: bytes, at: int) -> bytes:
    """The SHA-256, in hexadecimal, of the content with zeros in place of the digest at `at`."""
    view, digest = memoryview(content), hashlib.sha256()
    for part in (view[:at], ZEROS, view[at + len(ZEROS) :]):
        digest.update(part)
    return digest.hexdigest().encode()
