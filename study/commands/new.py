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
        Path, typer.Argument(metavar="DIR", help="The folder to write; made if it is not there.", callback=study_folder)
    ],
    template: Annotated[str, typer.Option(help="demo, minimal or one-representation.")] = "minimal",
    from_audio: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A folder of sound files to make a study of, instead.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="TABLE", help="CSV, TSV or Parquet with a column that names the sound files.")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(metavar='"{instrument}_{pitch}"', help="What file names say; {parent}/ is their folder."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The study's seed, and that of the demo's music.")] = None,
) -> None:
    """Write a study folder to start from: a template, or with --from-audio a study of your own sound."""
    from study.workflow.new import new_study

    if from_audio is None:
        raise_all(Fault("", option, str(value), "goes with --from-audio")
                  for option, value in (("--labels", labels), ("--pattern", pattern)) if value is not None)  # fmt: skip
        new_study(folder, template, seed, tell)
        return
    from study.workflow.from_audio.start import study_from_audio

    steps = study_from_audio(folder, from_audio, labels, pattern, 1 if seed is None else seed, tell)
    if steps.seconds is None:
        tell(f"next: write labels into {folder}/tables/target.csv, take the # from the lines of [targets.mine] in "
             f"{folder}/study.toml, then:")  # fmt: skip
    else:
        tell(f"next, about {duration(steps.seconds)} in all on this machine:")
    for command in steps.commands:
        print(f"  {command}")
