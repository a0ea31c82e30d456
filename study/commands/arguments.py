"""Arguments that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from study.core.paths import FILE_NAME


def study_folder(named: Path) -> Path:
    """The folder that DIR means: DIR itself, or the folder of the study.toml that it names."""
    return named.parent if named.name == FILE_NAME and not named.is_dir() else named


Folder = Annotated[
    Path, typer.Argument(metavar="[DIR]", help="The study folder, or its study.toml.", callback=study_folder)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object only.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a setting of the study file for this command, such as training.epochs=2; may be repeated.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="auto|HOST:PORT|ray://...", help="Ray cluster to join. Without it, Ray starts on this machine."
    ),
]
InProcessFlag = Annotated[bool, typer.Option("--in-process", help="Run the steps one after another, without Ray.")]
