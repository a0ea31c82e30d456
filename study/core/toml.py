"""TOML of strangers, with bounds that no study file comes near."""

from __future__ import annotations

import tomllib
from typing import Any

DEEPEST = 16
"""Tables and lists within one another."""
MOST_VALUES = 10_000
"""Values of a list; a source has no more factors."""


def parse_toml(text: str) -> dict[str, Any]:
    """As `tomllib.loads`. Raises TOMLDecodeError as well if anything is beyond the bounds above."""
    try:
        tables = tomllib.loads(text)
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        if isinstance(error, tomllib.TOMLDecodeError):
            raise
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise tomllib.TOMLDecodeError(reason) from None
    level: list[Any] = [tables]
    for _ in range(DEEPEST):
        if any(isinstance(value, list) and len(value) > MOST_VALUES for value in level):
            raise tomllib.TOMLDecodeError(f"a list of more than {MOST_VALUES:,} values")
        level = [item for value in level if isinstance(value, dict | list) for item in _items(value)]
    if any(isinstance(value, dict | list) for value in level):
        raise tomllib.TOMLDecodeError(f"nested more than {DEEPEST} levels deep")
    return tables


def _items(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
