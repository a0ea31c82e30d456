"""Where results are drawn: on a terminal that a stranger's text cannot steer."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
from rich.segment import Segment

from study.core.errors import printable


def console(stream: TextIO | None = None) -> Console:
    """Draws on a stream, standard output by default. Control characters of what is drawn are written as in Python."""
    drawing = Console(file=stream or sys.stdout, highlight=False)
    drawing.push_render_hook(_PrintableHook())
    return drawing


class _PrintableHook(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Printable(each) for each in renderables]


@dataclass(frozen=True)
class _Printable:
    """Something to be drawn, in printable characters; what rich itself says to a terminal stays."""

    drawn: ConsoleRenderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        segments: Iterable[Segment] = console.render(self.drawn, options)
        for text, style, control in segments:
            yield Segment(text if control else "\n".join(map(printable, text.split("\n"))), style, control)
