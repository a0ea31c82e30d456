"""An analysis at a glance, for a terminal and for a notebook."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from analysis.fitted_model import Model
from analysis.report.html import render

if TYPE_CHECKING:
    from analysis.analyze import Analysis

WIDEST = 100


def as_text(analysis: Analysis) -> str:
    """What was analysed, the answer, how each model ended, and the names of tables and figures."""
    answer = [_filled(f"{number}. ", sentence) for number, sentence in enumerate(analysis.answer, 1)]
    models = [_filled(f"  {name}: ", ended(model)) for name, model in analysis.models.items()]
    named = [_filled("  tables: ", ", ".join(analysis.tables)), _filled("  figures: ", ", ".join(analysis.figures))]
    reading = [_filled("  ", sentence) for sentence in analysis.reading]
    return "\n".join([f"{analysis.options.name}: {counted(analysis)}", *reading, "", *answer, "", *models, *named])


def as_html(analysis: Analysis) -> str:
    """The same, with the fixed effects of each model, as a piece of a page."""
    return render(
        "overview.html.j2",
        analysis=analysis,
        counted=counted(analysis),
        ended={name: ended(model) for name, model in analysis.models.items()},
    )


def counted(analysis: Analysis) -> str:
    """How many runs, targets and scores there are."""
    table = analysis.table
    units = "units" if table.roles else "runs"
    return f"{len(table.runs)} {units}, {len(table.targets)} targets, {len(table.scores)} scores"


def ended(model: Model) -> str:
    """How a model's fit ended."""
    if model.fit is None:
        return f"no fit: {model.why_not}"
    return f"REML criterion {model.fit.criterion:.4f}, {model.n_rows} rows, {model.singularity}"


def _filled(start: str, text: str) -> str:
    """Text in lines no wider than the terminal, indented under its start."""
    width = min(shutil.get_terminal_size().columns, WIDEST)
    indent = " " * (3 if start[0].isdigit() else 4)
    return textwrap.fill(f"{start}{text}", width, subsequent_indent=indent, break_on_hyphens=False)
