"""Arguments that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="[DIR]", help="The study folder, with its study.toml.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting of the study file for this command, such as training.epochs=2; "
        "may be repeated.",
    ),
]  # fmt: skip
Address = Annotated[
    str | None,
    typer.Option(metavar="auto|HOST:PORT|ray://...", help="Join this Ray cluster. None: start Ray on this machine."),
]
InProcessFlag = Annotated[bool, typer.Option("--in-process", help="Run the steps one by one, without Ray.")]
