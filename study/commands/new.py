"""`study new`: a study folder to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import study_folder
from study.commands.terminal import tell
from study.core.errors import Fault, raise_all
from study.core.progress import duration


def new(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write; created if missing.", callback=study_folder)
    ],
    template: Annotated[str, typer.Option(help="Template: demo, minimal or one-representation.")] = "minimal",
    from_audio: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Make a study of the sound files in this folder instead.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="Labels: a CSV, TSV or Parquet with a column of file names.")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar='"{instrument}_{pitch}"', help="What the parts of file names mean; {parent}/ is the folder."
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the study and of the demo's music.")] = None,
) -> None:
    """Write a study folder: from a template or, with --from-audio, a study of your own sound."""
    from study.workflow.new import new_study

    if from_audio is None:
        raise_all(
            Fault("", option, str(value), "works only with --from-audio")
            for option, value in (("--labels", labels), ("--pattern", pattern))
            if value is not None
        )
        new_study(folder, template, seed, tell)
        return
    from study.workflow.from_audio.start import study_from_audio

    steps = study_from_audio(folder, from_audio, labels, pattern, 1 if seed is None else seed, tell)
    if steps.seconds is None:
        tell(
            f"next: write labels into {folder}/tables/target.csv and uncomment [targets.mine] in "
            f"{folder}/study.toml; then:"
        )
    else:
        tell(f"next (about {duration(steps.seconds)} in all on this machine):")
    for command in steps.commands:
        print(f"  {command}")
