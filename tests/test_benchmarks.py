"""The scripts behind the figures of benchmarks/RESULTS.md still find what they import of the project."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

OURS = ("analysis", "design", "jobs", "study")
SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_name_that_a_benchmark_imports_is_there(script: Path) -> None:
    absent = []
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in OURS:
            absent += [f"{node.module}.{one.name}" for one in node.names if not _is_there(node.module, one.name)]
    assert not absent


def _is_there(module: str, name: str) -> bool:
    try:
        if hasattr(importlib.import_module(module), name):
            return True
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in OURS:
            pytest.skip(f"{error.name} is not installed")
        return False
    return True
