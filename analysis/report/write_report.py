"""The report as files: index.html, fit.json, tables/*.{csv,tex,parquet}, figures/*.{png,svg}.

Everything that the page says is also in fit.json and tables/*.csv, and every picture in figures/.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.figures import save
from analysis.report.draws import write_draws
from analysis.report.fit_json import fit_record
from analysis.report.latex import latex
from analysis.report.page import render_page
from study.core.content import csv_bytes
from study.core.writing import remove, write_whole
from study.pages.figures import drawing

if TYPE_CHECKING:
    from analysis.analyze import Analysis

PAGE = "index.html"
WRITTEN = re.compile(r"<meta name=\"written\" content='(\[[^']*\])'>")
OURS = re.compile(r"fit\.json|(tables|figures)/[^/\\]+\.(csv|tex|parquet|png|svg)")


def write_report(analysis: Analysis, folder: Path) -> Path:
    """Write the report to the folder, which need not exist; the path of its page.

    What an earlier report wrote there, as its page says, is taken away first; nothing else is touched.
    """
    for path in _earlier(folder):
        remove(path)
    pngs = {}
    with drawing():
        for name, draw in analysis.figures.items():
            pngs[name] = save(draw(), folder / "figures", name)
    written = [f"figures/{name}{suffix}" for name in pngs for suffix in (".png", ".svg")]
    written += [f"tables/{name}" for name in _write_tables(analysis, folder / "tables")]
    fit = json.dumps(fit_record(analysis.evidence), indent=1, allow_nan=False)
    write_whole(folder / "fit.json", f"{fit}\n".encode())
    page = folder / PAGE
    write_whole(page, render_page(analysis, pngs, [*written, "fit.json"]).encode())
    return page


def _write_tables(analysis: Analysis, folder: Path) -> Iterator[str]:
    """Every table as CSV, those of the page as LaTeX too, and the bootstrap's draws; the names of the files."""
    for one in analysis.shown_tables:
        yield f"{one.name}.csv"
        write_whole(folder / f"{one.name}.csv", csv_bytes(one.frame))
        if one.on_page:
            yield f"{one.name}.tex"
            write_whole(folder / f"{one.name}.tex", latex(one).encode())
    for model in analysis.models.values():
        if model.refits is not None:
            yield f"{model.name}_draws.parquet"
            write_draws(model, analysis.options.seed, folder / f"{model.name}_draws.parquet")


def _earlier(folder: Path) -> Iterator[Path]:
    """The files of an earlier report in the folder, as its page lists them."""
    page = folder / PAGE
    listed = WRITTEN.search(page.read_text(encoding="utf-8", errors="replace")) if page.is_file() else None
    try:
        names = json.loads(listed[1]) if listed else []
    except ValueError:  # somebody else's page
        names = []
    for name in names:
        if isinstance(name, str) and OURS.fullmatch(name):
            yield folder / name
