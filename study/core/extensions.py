"""What installed packages add to a study, by entry points: the groups, the names, and the one place that loads them.

Names, packages and versions are metadata. Only `load_extension` imports a package, and only one that is installed or on
PYTHONPATH, never one from the current folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from study.core.errors import Fault, InputFaults, nearest

SOURCES = "study.sources"
OBJECTIVES = "study.objectives"
TARGETS = "study.targets"
BASELINES = "study.baselines"
BACKBONES = "study.backbones"
LEARNERS = "study.learners"
GROUPS = {
    SOURCES: "kind of labels",
    OBJECTIVES: "objective",
    TARGETS: "task of targets",
    BASELINES: "baseline",
    BACKBONES: "backbone",
    LEARNERS: "learner",
}
"""The groups of entry points, and what each one's entries are."""

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Extension:
    """An entry point: its name in its group, and the package that offers it."""

    group: str
    name: str
    package: str
    version: str

    def __str__(self) -> str:
        return f"{GROUPS[self.group]} {self.name!r} of {self.package} {self.version}"


def extensions(*groups: str) -> tuple[Extension, ...]:
    """All that installed packages add to these groups (none named: to any), by group and name; nothing is loaded."""
    found = {
        Extension(group, point.name, *_package(point)) for group in groups or GROUPS for point in _points(group=group)
    }
    order = list(GROUPS)
    return tuple(sorted(found, key=lambda one: (order.index(one.group), one.name, one.package)))


def extension_names(group: str) -> tuple[str, ...]:
    """The names that installed packages add to a group; nothing is loaded."""
    return tuple(dict.fromkeys(one.name for one in extensions(group)))


def load_extension(group: str, name: str, kind: type[Kind]) -> Kind:
    """The object of type `kind` that an installed package offers under this name.

    Raises InputFaults if no package does, or several do, or it cannot be imported, or it is of another type.
    """
    points = {_package(point): point for point in _points(group=group, name=name)}
    if len(points) != 1:
        several = "expected one package to offer it; found " + ", ".join(" ".join(of) for of in sorted(points))
        none = f"no installed package offers this {GROUPS[group]}"
        raise _fault(group, name, several if points else none, nearest(name, extension_names(group)))
    ((package, version), point) = points.popitem()
    origin = f"{point.value} of {package} {version}"
    try:
        with installed_only():
            found = point.load()
    except Exception as error:  # a stranger's module may raise anything
        raise _fault(group, name, f"{origin} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(found, kind):
        raise _fault(group, name, f"{origin}: expected a value of study.extend.{kind.__name__}, found {_kind(found)}")
    return found


@contextmanager
def installed_only() -> Iterator[None]:
    """Import from what is installed or on PYTHONPATH alone: without the current folder, unless PYTHONPATH names it."""
    before = list(sys.path)
    named = {os.path.realpath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path}
    here = os.path.realpath(os.curdir)
    sys.path[:] = [path for path in before if os.path.realpath(path or os.curdir) != here or here in named]
    try:
        yield
    finally:
        sys.path[:] = before


def _points(group: str, name: str | None = None) -> tuple[EntryPoint, ...]:
    with installed_only():
        return tuple(point for point in entry_points(group=group) if name in (None, point.name))


def _package(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist is not None else ("an unknown package", "")


def _kind(found: object) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else f"a value of {type(found).__name__}"


def _fault(group: str, name: str, expected: str, near: str | None = None) -> InputFaults:
    return InputFaults([Fault("", f"{group} {name}", None, expected, near)])
