"""A result that shows itself: facts, as for JSON, and a function that draws them with rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    Draw = Callable[[Mapping[str, Any], Console], None]

WIDTH = 116
"""Width in characters if there is no terminal."""
HTML = '<pre style="font-family: monospace; line-height: 1.3">{code}</pre>'


@dataclass(frozen=True, repr=False)
class Shown(Mapping[str, Any]):
    """Facts by name, shown as `draw` draws them."""

    facts: Mapping[str, Any]
    draw: Draw

    def __getitem__(self, name: str) -> Any:
        return self.facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)

    def __repr__(self) -> str:
        return self._drawn().export_text().rstrip()

    def _repr_html_(self) -> str:
        return self._drawn().export_html(inline_styles=True, code_format=HTML)

    def _drawn(self) -> Console:
        from rich.console import Console

        console = Console(record=True, file=StringIO(), width=WIDTH, highlight=False)
        self.draw(self.facts, console)
        return console
