"""`study new`: a study folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import study_folder
from study.commands.terminal import tell
from study.workflow.new import new_study


def new(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder to write; made if it is not there.", callback=study_folder)
    ],
    template: Annotated[str, typer.Option(help="demo, minimal or one-representation.")] = "minimal",
    seed: Annotated[int | None, typer.Option(min=0, help="The study's seed, and that of the demo's music.")] = None,
) -> None:
    """Write a study folder to start from; `--template demo` makes its own music and runs as it is."""
    new_study(folder, template, seed, tell)
