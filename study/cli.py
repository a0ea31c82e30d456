"""The command line: parse, call one function, print. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from study.commands.analyze import analyze
from study.commands.check import check
from study.commands.clean import clean
from study.commands.demo import demo
from study.commands.design import design
from study.commands.embed import embed
from study.commands.ends import ending_by_signals, open_standard_streams, print_line
from study.commands.launch import launch
from study.commands.new import new
from study.commands.power import power
from study.commands.prepare import prepare
from study.commands.runs import runs
from study.commands.schema import schema
from study.commands.status import status
from study.commands.verify import verify
from study.core.errors import StudyError
from study.core.version import __version__

app = typer.Typer(
    name="study",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Design, run and analyse large statistical studies of learned representations.",
)


def _version(asked: bool) -> None:
    if asked:
        print(f"study {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Design, run and analyse large statistical studies of learned representations."""


for command in (
    new,
    check,
    design,
    power,
    prepare,
    launch,
    status,
    runs,
    analyze,
    embed,
    verify,
    clean,
    schema,
    demo,
):
    app.command()(command)


def run() -> None:
    """The `study` command.

    Exit status: 0 done, 1 something that ran failed, 2 wrong input or usage, 130 or 143 on a signal.
    """
    open_standard_streams()
    with ending_by_signals():
        try:
            app()
        except StudyError as error:
            print_line(str(error), sys.stderr)
            sys.exit(error.exit_status)
        except OSError as error:  # an unwritable store, a full disk: the message names the file
            print_line(f"{type(error).__name__}: {error}", sys.stderr)
            sys.exit(1)
