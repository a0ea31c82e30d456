"""Reading `study.toml`: every fault of the file is collected before any is raised.

Each section is checked by itself first, then the keys and sections together (`study.core.study_checks`).
"""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from study.core.errors import Fault, InputFaults, distinct, nearest, raise_all
from study.core.field_types import Section
from study.core.file_checks import faults_of_validation
from study.core.overrides import naming_overrides, overridden, read_overrides
from study.core.paths import FILE_NAME
from study.core.protocols import with_protocol
from study.core.sections import Source, Target
from study.core.study_checks import between_keys, between_sections
from study.core.study_file import Study
from study.core.toml import parse_toml

MOST_BYTES = 10_000_000
"""A study file of thousands of factors has a tenth of it."""

OF_SOUND = ("corpus", "sources")
"""Sections that only studies need whose runs learn from sound."""


def read_study(folder: Path, overrides: Iterable[str] = ()) -> Study:
    """Read `folder/study.toml`. Needs no data: `missing_files` checks that the files it names exist.

    `overrides` are settings for this command alone, such as "training.epochs=2" (`study.core.overrides`).
    Raises `InputFaults` with every fault of the file: unknown keys, wrong types, values out of range, names that do
    not match.
    """
    study, faults = read_sections(folder, overrides)
    raise_all(faults)
    return study


def read_sections(folder: Path, overrides: Iterable[str] = ()) -> tuple[Study, list[Fault]]:
    """The valid parts of the study, and every fault of the file; faults of an override name it.

    A faulty section is not in the study's `model_fields_set`; for sources and targets only the faulty entries are
    left out. Raises `InputFaults` if the file cannot be read at all or an override is invalid.
    """
    given = read_overrides(overrides)
    written = _read_tables(Path(folder))
    tables = overridden(written, given)
    sections, faults = _sections(tables, Path(folder))
    if faults and given:
        faults = naming_overrides(faults, _sections(written, Path(folder))[1], given)
    study = Study.model_construct(**sections)
    study._tables, study._overrides = tables, given
    return study, faults


def _read_tables(folder: Path) -> dict[str, Any]:
    path = folder / FILE_NAME
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for its writer
            raise InputFaults([Fault(str(path), "", None, "not a file")])
        if path.stat().st_size > MOST_BYTES:
            raise InputFaults([Fault(str(path), "", None, f"expected at most {MOST_BYTES:,} bytes")])
        return parse_toml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        expected = f"no {FILE_NAME} in this folder; `study new DIR --template demo` writes one"
        raise InputFaults([Fault(str(folder), "", None, expected)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputFaults([Fault(str(path), "", None, f"cannot be read: {error}")]) from None
    except tomllib.TOMLDecodeError as error:
        raise InputFaults([Fault(FILE_NAME, "", None, f"not valid TOML: {error}")]) from None


def _sections(raw: dict[str, Any], folder: Path) -> tuple[dict[str, Any], list[Fault]]:
    """The valid sections with their defaults, and every fault of the tables."""
    raw = with_protocol(raw)
    sections: dict[str, Any] = {}
    faults: list[Fault] = []
    scale = raw.get("scale")
    context = {"folder": folder.resolve(), "scale": scale if isinstance(scale, dict) else {}}
    is_function = "run" in raw
    known = {field.alias or name: name for name, field in Study.model_fields.items()}
    for key in raw:
        if key not in known:
            faults.append(Fault(FILE_NAME, f"[{key}]", None, "unknown section", nearest(key, known)))
    for key, name in known.items():
        field = Study.model_fields[name]
        if key not in raw:
            if field.is_required():
                faults.append(Fault(FILE_NAME, f"[{key}]" if key != "schema" else key, None, "missing"))
            elif key in OF_SOUND:
                faults += [] if is_function else [Fault(FILE_NAME, f"[{key}]", None, "missing")]
            else:
                sections[name] = field.get_default()
            continue
        annotated: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        try:
            sections[name] = TypeAdapter(annotated).validate_python(raw[key], context=context)
        except ValidationError as error:
            faults.extend(faults_of_validation(FILE_NAME, key, annotated, error))
    entries = {
        name: sections.get(name) or _valid_entries(raw.get(name), model, context)
        for name, model in (("sources", Source), ("targets", Target))
    }
    faults.extend(between_keys(entries["sources"], entries["targets"], is_function))
    faults.extend(between_sections(sections, is_function))
    for name, valid in entries.items():
        sections[name] = {
            key: entry
            for key, entry in valid.items()
            if not list(between_keys(**{name: {key: entry}}, is_function=is_function))
        }
    return sections, distinct(faults)


def _valid_entries(raw: object, model: type[Section], context: dict[str, Any]) -> dict[str, Any]:
    """The entries that are valid by themselves, so that faults between keys are reported in the same run."""
    valid = {}
    for name, entry in raw.items() if isinstance(raw, dict) else ():
        with contextlib.suppress(ValidationError):
            valid[name] = model.model_validate(entry, context=context)
    return valid
