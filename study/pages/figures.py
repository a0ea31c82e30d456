"""The style of every figure, saving as PNG, and the map of correlations that design and analysis both draw."""

from __future__ import annotations

from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "svg.fonttype": "path",
    "svg.hashsalt": "study",
    "text.parse_math": False,  # a `$` in a name is a dollar
}
PNG_DPI = 160
MOST_WRITTEN = 24
"""Rows and columns up to which a map of correlations has its numbers written in."""


def drawing() -> AbstractContextManager[None]:
    """The context in which figures are drawn and saved."""
    return mpl.rc_context(STYLE)


class PageFigure(Figure):
    """A figure that shows itself in a notebook, in the pages' style, without pyplot."""

    def _repr_png_(self) -> bytes:
        with drawing():
            return png(self)


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return content.getvalue()


def one_panel(width: float, height: float) -> tuple[PageFigure, Axes]:
    """A figure of this size in inches, and its only axes."""
    figure = PageFigure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def correlation_map(table: pd.DataFrame, label: str) -> PageFigure:
    """Numbers from -1 to 1 as colours, written in as well if they are few."""
    height, width = (min(0.38 * n, 14.0) for n in table.shape)
    figure, axes = one_panel(max(width + 2.4, 4.5), height + 1.6)
    image = axes.imshow(table.to_numpy(), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    if max(table.shape) <= MOST_WRITTEN:
        for row, column in np.ndindex(table.shape):
            value = table.iloc[row, column]
            shown = f"{value:.2f}".replace("-0.00", "0.00").replace("0.", ".").replace("-", "\N{MINUS SIGN}")
            axes.text(
                column, row, shown, ha="center", va="center", fontsize=6.5, color="w" if abs(value) > 0.6 else "k"
            )
    axes.set_xticks(range(table.shape[1]), table.columns, rotation=60, ha="right", rotation_mode="anchor", fontsize=7)
    axes.set_yticks(range(table.shape[0]), table.index, fontsize=7)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.8, label=label)
    return figure
