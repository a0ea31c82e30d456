"""Pydantic's validation errors as faults, with the key as written in the file and the nearest valid name."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from study.core.errors import Fault, nearest


def faults_of_validation(file: str, section: str, annotation: Any, error: ValidationError) -> Iterator[Fault]:
    """One fault for each wrong key in `section`, whose type is `annotation`."""
    reported: set[tuple[Any, ...]] = set()
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and any(_within(other["loc"], detail["loc"]) for other in details):
            continue  # short only because its items are wrong, which is reported
        path, model = _follow(annotation, detail["loc"])
        if path in reported:  # a union reports one error for each of its members
            continue
        reported.add(path)
        key = written_key(section, path)
        match detail["type"]:
            case "extra_forbidden":
                valid = _keys(model)
                yield Fault(
                    file,
                    key,
                    detail["input"],
                    f"unknown key; expected one of {', '.join(valid)}",
                    nearest(str(path[-1]), valid),
                )
            case "missing":
                yield Fault(file, key, None, "missing")
            case "literal_error":
                valid = re.findall(r"'([^']*)'", detail["ctx"]["expected"]) or [detail["ctx"]["expected"]]
                yield Fault(
                    file,
                    key,
                    detail["input"],
                    f"expected {detail['ctx']['expected']}",
                    nearest(str(detail["input"]), valid),
                )
            case "string_pattern_mismatch":
                yield Fault(file, key, detail["input"], "expected a name made of a-z, 0-9, _ and -")
            case "path_type":
                yield Fault(file, key, detail["input"], "expected a path as text")
            case _:
                hint = detail.get("ctx", {}).get("nearest")
                yield Fault(file, key, detail["input"], _plain(detail["msg"]), hint)


def _within(inner: tuple[Any, ...], outer: tuple[Any, ...]) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _plain(message: str) -> str:
    return (
        re.sub(r"^(Input|String|Value|Dictionary|Tuple|List) should", "should", message)
        .replace("should be", "expected", 1)
        .replace("should have", "expected", 1)
        .replace(" after validation, not 0", "")
    )


def written_key(section: str, path: tuple[Any, ...]) -> str:
    """The key as written in the file: `[sources.year] factors`, `[[design.phase]] 2 strategy`."""
    if not path:
        return section if section == "schema" else f"[{section}]"
    if section in ("sources", "targets"):
        return " ".join((f"[{section}.{path[0]}]", *(str(part) for part in path[1:2])))
    if section in ("design", "analysis") and len(path) >= 2 and isinstance(path[1], int):
        rest = [str(part) for part in path[2:] if not isinstance(part, int)]
        return " ".join((f"[[{section}.{path[0]}]]", str(path[1] + 1), *rest))
    return f"[{section}] " + ".".join(str(part) for part in path if not isinstance(part, int))


def _follow(annotation: Any, loc: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    """The part of `loc` that is in the file (pydantic adds the members of a union), and the model it leads to."""
    path: list[Any] = []
    inner, model = annotation, None
    for step in loc:
        inner = _unwrapped(inner)
        origin = get_origin(inner)
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
            path.append(step)
            fields = {field.alias or name: field for name, field in inner.model_fields.items()}
            inner = fields[step].annotation if step in fields else Any
        elif origin is dict and step != "[key]":
            path.append(step)
            inner = get_args(inner)[1]
        elif origin is tuple and isinstance(step, int):
            path.append(step)
            inner = get_args(inner)[0]
    return tuple(path), model


def _unwrapped(annotation: Any) -> Any:
    """The annotation without `Annotated[...]` and without `| None`."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            members = [member for member in get_args(annotation) if member is not type(None)]
            if len(members) != 1:
                return annotation
            annotation = members[0]
        else:
            return annotation


def _keys(model: Any) -> list[str]:
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []
