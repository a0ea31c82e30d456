"""`--set section.key=value`: a setting of the study file for one command, checked as the file is.

A value is TOML; a bare word is a string. The key is written as in TOML; a number in it is an entry of an array of
tables, counted from 1 as in faults: `design.phase.2.repeats=3`.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from study.core.errors import Fault, raise_all
from study.core.file_checks import written_key
from study.core.toml import parse_toml

OPTION = "--set"


@dataclass(frozen=True)
class Override:
    """One `--set`: the text as given, the keys that lead to the setting, and its value."""

    text: str
    path: tuple[str, ...]
    value: Any

    @property
    def option(self) -> str:
        """`--set training.epochs`."""
        return f"{OPTION} {self.text.partition('=')[0].strip()}"


def read_overrides(texts: Iterable[str]) -> tuple[Override, ...]:
    """The overrides; if a key is set twice, the last one counts. Raises `InputFaults` with every invalid text."""
    read: dict[tuple[str, ...], Override] = {}
    faults = []
    for text in texts:
        key, equals, value = text.partition("=")
        path = _path(key)
        if not (equals and value.strip() and len(path) > 1):
            faults.append(Fault("", OPTION, text, "expected section.key=value, such as training.epochs=2"))
            continue
        try:
            override = Override(text, path, _value(value.strip()))
        except tomllib.TOMLDecodeError as error:
            faults.append(Fault("", f"{OPTION} {key}", value, f"not valid TOML: {error}"))
            continue
        read[path] = override
    raise_all(faults)
    return tuple(read.values())


def overridden(tables: Mapping[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    """The tables of a study file with the overrides applied. Raises `InputFaults` for keys that lead nowhere."""
    changed = copy.deepcopy(dict(tables))
    raise_all(fault for override in overrides for fault in _put(changed, override))
    return changed


def setting(tables: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value in the tables under these keys; None if there is none."""
    inner: Any = tables
    for step in path:
        inner = _entry(inner, step)
    return inner


def naming_overrides(faults: Iterable[Fault], of_file: Iterable[Fault], overrides: Sequence[Override]) -> list[Fault]:
    """Faults of a study file with overrides. Those that the file alone lacks name the option that caused them."""
    own = set(map(str, of_file))
    return [fault if str(fault) in own else _naming(fault, overrides) for fault in faults]


def _naming(fault: Fault, overrides: Sequence[Override]) -> Fault:
    for override in overrides:
        section, *keys = override.path
        if fault.key == written_key(section, tuple(int(key) - 1 if key.isdecimal() else key for key in keys)):
            return replace(fault, file="", key=override.option)
    return replace(fault, file=" ".join([fault.file, "with", *(f"{OPTION} {override.text}" for override in overrides)]))


def _path(key: str) -> tuple[str, ...]:
    """The steps of a dotted TOML key; empty if it is not valid."""
    try:
        inner: Any = parse_toml(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    path = []
    while isinstance(inner, dict) and len(inner) == 1:
        ((step, inner),) = inner.items()
        path.append(step)
    return tuple(path) if inner == 0 else ()


def _value(text: str) -> Any:
    try:
        parsed = parse_toml(f"value = {text}")
        if len(parsed) == 1:
            return parsed["value"]
    except tomllib.TOMLDecodeError:
        if text[0] in "\"'[{":  # the beginning of a TOML value, so not a bare word
            raise
    return text


def _put(tables: dict[str, Any], override: Override) -> Iterable[Fault]:
    inner: Any = tables
    *sections, last = override.path
    for depth, step in enumerate(sections, 1):
        if isinstance(inner, dict):
            inner.setdefault(step, {})
        inner = _entry(inner, step)
        if not isinstance(inner, dict | list):
            expected = f"the study file has no section {'.'.join(sections[:depth])}"
            yield Fault("", override.option, override.value, expected)
            return
    if isinstance(inner, dict):
        inner[last] = override.value
    elif _entry(inner, last) is not None:
        inner[int(last) - 1] = override.value
    else:
        expected = f"expected a number from 1 to {len(inner)} after {'.'.join(sections)}"
        yield Fault("", override.option, override.value, expected)


def _entry(inner: Any, step: str) -> Any:
    if isinstance(inner, list):
        return inner[int(step) - 1] if step.isdecimal() and 1 <= int(step) <= len(inner) else None
    return inner.get(step) if isinstance(inner, dict) else None
