"""The report's figures: panels, legends, saving; colours for the colour-blind, shapes that survive black ink."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.core.strategies import BUILT_IN, Strategies
from study.core.writing import write_whole
from study.pages.figures import PageFigure, drawing, png

# Okabe & Ito 2008, black for the single-source reference; after it colours of Tol 2021
OF_SINGLE, OF_SIX = "#000000", ("#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00")
OF_OWN = ("#CC79A7", "#8B6914", "#332288", "#AA3377", "#44AA99", "#777777")
SHAPES_OF_SIX, SHAPES_OF_OWN = ("o", "s", "^", "v", "D", "P"), ("X", "p", "h", "<", ">", "*")
LONGEST_NAME, LONGEST_TITLE = 34, 60
"""Characters of a name at a tick, and of a title over a panel."""
OWN_BASELINE = ""
"""The style of all baselines that packages add; their dashes differ."""
BASELINE_STYLE: dict[Any, Any] = {
    "MFCC": ("#CC79A7", (0, (6, 2))),
    "Random": ("#777777", (0, (1, 1.5))),
    "Choi": ("#8B6914", (0, (5, 2, 1, 2))),
    OWN_BASELINE: ("#AA3377", (0, (4, 2, 1, 2))),
}


def colours_of(strategies: Strategies = BUILT_IN) -> dict[str, str]:
    """A colour for each strategy: the six always have theirs, black is for those of one source."""
    own = _looks(strategies, OF_SIX, OF_OWN)
    return {name: OF_SINGLE if one.is_single else own[name] for name, one in strategies.items()}


def markers_of(strategies: Strategies = BUILT_IN) -> dict[str, str]:
    """A shape for each strategy."""
    return _looks(strategies, SHAPES_OF_SIX, SHAPES_OF_OWN)


def _looks(strategies: Strategies, of_six: Sequence[str], of_own: Sequence[str]) -> dict[str, str]:
    own = [name for name in strategies if name not in BUILT_IN]
    return dict(zip(BUILT_IN, of_six, strict=True)) | {
        name: of_own[number % len(of_own)] for number, name in enumerate(own)
    }


def panels(
    n: int, width: float = 2.7, height: float = 2.5, per_row: int = 4, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """A figure of n panels."""
    columns = min(n, per_row)
    rows = -(-n // columns)
    figure = PageFigure(figsize=(max(width * columns, 4.5), height * rows), layout="constrained")
    axes = [figure.add_subplot(rows, columns, position + 1) for position in range(n)]
    for one in axes[1:]:
        if share_y:
            one.sharey(axes[0])
    return figure, axes


def shared_legend(figure: Figure, handles: Mapping[str, Any]) -> None:
    """One legend for all panels, above them, in as many rows as its names need."""
    if handles:
        entry_inches = 0.7 + 0.075 * max(map(len, handles))  # the mark, and 8.5 pt letters
        columns = max(1, int(figure.get_figwidth() / entry_inches))
        figure.legend(
            list(handles.values()), list(handles), loc="outside upper center", ncols=min(len(handles), columns)
        )


def drawn(draw: Callable[[], Figure]) -> Figure:
    """The figure, drawn in the report's style."""
    with drawing():
        return draw()


def _shorten(figure: Figure) -> None:
    """Cut names at ticks and over panels that would leave no room for the panels."""
    for axes in figure.axes:
        axes.set_title(_short(axes.get_title(), LONGEST_TITLE))
        for axis in (axes.xaxis, axes.yaxis):
            names = [label.get_text() for label in axis.get_ticklabels()]
            if any(len(name) > LONGEST_NAME for name in names):
                axis.set_ticks(axis.get_ticklocs(), labels=[_short(name) for name in names])


def _short(name: str, most: int = LONGEST_NAME) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write `name`.png and `name`.svg; the PNG's path."""
    _shorten(figure)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
    figure.set_layout_engine(None)  # laid out once, for both
    svg = BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    write_whole(folder / f"{name}.svg", svg.getvalue())
    write_whole(folder / f"{name}.png", png(figure))
    return folder / f"{name}.png"
