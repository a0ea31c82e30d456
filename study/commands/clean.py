"""`study clean --stale`: list what of the store no plan uses, ask, and remove it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from study.commands.arguments import Folder, Overrides
from study.commands.terminal import tell
from study.core.errors import Fault, InputFaults


def clean(
    folder: Folder = Path("."),
    stale: Annotated[bool, typer.Option("--stale", help="Runs, scores and prepared data that no plan uses.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    overrides: Overrides = None,
) -> None:
    """List what of the store the plan does not use, ask, and remove it."""
    from study.core.reading import read_study
    from study.display.sizes import size
    from study.workflow.clean import remove_stale, stale_files

    if not stale:
        raise InputFaults([Fault("", "--stale", None, "missing: it lists what no plan uses, and asks")])
    study = read_study(folder, overrides or ())
    found = stale_files(study)
    for one in found:
        print(f"{size(one.n_bytes):>10}  {one.path.relative_to(study.store)}  ({one.why})")
    if not found:
        print("nothing is stale: the plan uses all that the store holds")
        return
    total = size(sum(one.n_bytes for one in found))
    if yes or _is_agreed(f"Remove these {len(found)} files and folders, {total}, for good?"):
        remove_stale(found)
        tell(f"removed {total}")
    else:
        tell("nothing was removed; --yes removes without asking")


def _is_agreed(question: str) -> bool:
    """No, if nobody is there to answer."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        return False
