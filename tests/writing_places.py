"""The places of the program that write, as its source has them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from study.core import writing

ROOT = Path(writing.__file__).parents[2]
PACKAGES = ("study", "jobs", "design", "analysis")
WRITING = Path(writing.__file__)
TESTING = ROOT / "study" / "testing"
WRITERS = (
    "append_line", "folder_whole", "make_folder", "move", "remove", "remove_folder", "touch",
    "write_beside_another_launch", "write_once", "write_whole", "written_whole",
)  # fmt: skip
"""The functions of `study.core.writing` that others call."""

METHODS = (
    "write_text", "write_bytes", "mkdir", "rmdir", "unlink", "symlink_to", "hardlink_to", "chmod", "rmtree",
    "makedirs", "removedirs", "copyfile", "copytree", "copy2", "truncate", "mkdtemp", "mkstemp", "NamedTemporaryFile",
    "TemporaryDirectory", "savez_compressed", "save_file", "tofile", "memmap",
)  # fmt: skip
OF_MODULES = {"os": ("open", "replace", "remove", "link", "symlink", "utime", "write"), "shutil": ("copy", "move")}
FILLING = ("to_csv", "to_parquet", "to_json", "to_excel", "to_pickle", "savefig", "save", "savez", "write_table",
           "ParquetWriter", "new_file")  # fmt: skip
"""What fills a file if it is given its path: here it may only be given nothing, or one of `IN_MEMORY`."""
IN_MEMORY = ("buffer", "content", "png", "sink", "small", "sound", "svg", "table")


@cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    """Every file of the program but `WRITING` and the contract tests: its name, and what it holds."""
    every = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    paths = [path for path in every if path != WRITING and TESTING not in path.parents]
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))) for path in paths)


def places() -> set[str]:
    """Every function that writes: "jobs/records.py write_attempt"."""
    found = set()
    for name, module in sources():
        for function in ast.walk(module):
            if isinstance(function, ast.FunctionDef) and any(_is_writer(node) for node in ast.walk(function)):
                found.add(f"{name} {function.name}")
    return found


def others() -> set[str]:
    """Every call that creates, changes or deletes files and is not one of `WRITERS`: "study/cli.py open"."""
    return {f"{name} {called}" for name, module in sources() for called in _others(module)}


def _is_writer(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in WRITERS


def _others(module: ast.Module) -> Iterator[str]:
    for call in ast.walk(module):
        if not isinstance(call, ast.Call):
            continue
        of, called = _named(call.func)
        if called == "open" and of != "os":
            is_writing = _opens_to_write(call, 1 if of == "" else 0)
        elif called == "rename":  # a path's; pandas' have keywords or a text
            is_writing = bool(call.args) and not isinstance(call.args[0], ast.Constant)
        elif of and called in FILLING:
            names = {argument.id for argument in call.args if isinstance(argument, ast.Name)}
            is_writing = bool(call.args) and not names & set(IN_MEMORY)
        else:
            is_writing = called in METHODS or called in OF_MODULES.get(of, ())
        if is_writing:
            yield called


def _opens_to_write(call: ast.Call, position: int) -> bool:
    mode = call.args[position] if len(call.args) > position else None
    mode = next((word.value for word in call.keywords if word.arg == "mode"), mode)
    return isinstance(mode, ast.Constant) and bool(set("wax+") & set(str(mode.value)))


def _named(function: ast.expr) -> tuple[str, str]:
    """The name that a call has, and the one before its dot."""
    if isinstance(function, ast.Attribute):
        return (function.value.id if isinstance(function.value, ast.Name) else "?"), function.attr
    return "", function.id if isinstance(function, ast.Name) else ""
