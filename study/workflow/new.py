"""New: a study folder to start from."""

from __future__ import annotations

import os
import re
import unicodedata
from importlib.resources import files
from pathlib import Path

from study.core.errors import Fault, InputFaults, nearest
from study.core.paths import FILE_NAME
from study.core.progress import Tell, silent
from study.core.writing import make_folder, write_whole
from study.workflow.extras import needs_train


@needs_train()
def new_study(folder: Path, template: str = "minimal", seed: int | None = None, tell: Tell = silent) -> None:
    """Write the study folder `folder` from a template: demo (with its music), minimal or one-representation."""
    templates = {entry.name: entry for entry in (files("study") / "templates").iterdir() if entry.is_dir()}
    templates.pop("__pycache__", None)
    if template not in templates:
        expected = f"expected one of {', '.join(sorted(templates))}"
        raise InputFaults([Fault("", "--template", template, expected, nearest(template, templates))])
    if (folder / FILE_NAME).exists():
        raise InputFaults([Fault(str(folder), FILE_NAME, None, "already exists; expected a folder without one")])
    if folder.exists() and not folder.is_dir():
        raise InputFaults([Fault(str(folder), "", None, "is a file; expected a folder")])
    text = (templates[template] / FILE_NAME).read_text(encoding="utf-8")
    text = re.sub(r'(?m)^name = "[^"]*"', f'name = "{study_name(folder, template)}"', text, count=1)
    if seed is not None:
        text = re.sub(r"(?m)^seed = \d+", f"seed = {seed}", text, count=1)
    try:
        make_folder(folder)
    except OSError as error:
        raise InputFaults([Fault(str(folder), "", None, f"cannot be created: {error.strerror}")]) from None
    if template == "demo":
        from jobs.demo.synthesis import make_demo

        seed_line = re.search(r"(?m)^seed = (\d+)", text)
        assert seed_line is not None  # every template has one
        tell(f"making the demo's music in {folder / 'data'}")
        make_demo(folder / "data", int(seed_line.group(1)), workers=os.cpu_count() or 1)
    for entry in templates[template].iterdir():
        if entry.name != FILE_NAME and entry.is_file():
            write_whole(folder / entry.name, entry.read_bytes())
    write_whole(folder / FILE_NAME, text.encode())  # last: with it, the folder is a study
    tell(f"wrote {folder / FILE_NAME}")


def study_name(folder: Path, otherwise: str) -> str:
    """The folder's name in the characters allowed for a study: "Ma Thèse" is ma-these; `otherwise` if none remain."""
    plain = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-") or otherwise
