"""`study embed`: a trained run's representation of any sound files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import Overrides
from study.commands.terminal import tell
from study.core.paths import WEIGHTS


def embed(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help=f"A run_id of the study in this folder, or its beginning; a {WEIGHTS} or its folder."
        ),
    ],
    audio: Annotated[list[Path], typer.Argument(metavar="AUDIO...", help="Sound files, and folders of them.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The Parquet file to write.")],
    pad: Annotated[bool, typer.Option("--pad", help="Pad sound that is shorter than a crop, with its floor.")] = False,
    overrides: Overrides = None,
) -> None:
    """Write a trained run's representation of any sound files; weights from another machine need no study."""
    from study.workflow.embed import embed_files

    embed_files(run, audio, out, overrides or (), tell, pad)
