"""The Python blocks of docs and README run, page by page, each page from top to bottom; so does the notebook."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "tests" / "fixtures" / "release-0.1" / "demo"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(run_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the files that the pages name: a study that ran, a table of scores, a data set."""
    shutil.copytree(run_study, tmp_path / "mystudy")
    shutil.copy(DEMO / "results.parquet", tmp_path / "scores.parquet")
    shutil.copy(ROOT / "tests" / "reference" / "mixed_models_sleepstudy.csv", tmp_path / "sleepstudy.csv")
    means = json.loads((ROOT / "tests" / "reference" / "means.json").read_text(encoding="utf-8"))
    pd.DataFrame(means["Machines"]["data"]).to_csv(tmp_path / "machines.csv", index=False)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    plt.close("all")


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=lambda page: page.name)
def test_python_blocks_run(page: Path, folder: Path) -> None:
    names: dict[str, object] = {}
    for block in python_blocks(page):
        exec(compile(block, f"{page.name}: {block.splitlines()[0]}", "exec"), names)


def test_the_notebook_runs() -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(ROOT / "docs" / "tour.ipynb", as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "docs")}}).execute()
    outputs = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    assert "image/png" in outputs and "text/html" in outputs
