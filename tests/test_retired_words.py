"""Prose for readers avoids the patterns of `retired_words.txt`, which carried several meanings at once."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from study.cli import app

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "tests" / "retired_words.txt").read_text(encoding="utf-8").splitlines()
PATTERNS = [re.compile(line, re.IGNORECASE) for line in LINES if line and not line.startswith("#")]
TEMPLATES = sorted(page for page in Path(str(files("study"))).glob("templates/**/*") if page.is_file())
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), *TEMPLATES]
COMMANDS = sorted(get_command(app).commands)


def retired(text: str) -> list[str]:
    """Each use of a retired pattern, with the words around it; line breaks count as spaces."""
    text = re.sub(r"\s+", " ", text)
    uses = [use for pattern in PATTERNS for use in pattern.finditer(text)]
    return [text[max(use.start() - 40, 0) : use.end() + 20] for use in sorted(uses, key=lambda use: use.start())]


def test_the_patterns_find_what_they_are_for() -> None:
    assert retired("A difference is told\nwhere it hangs\n on one, a row a track.") != []
    assert len(retired("told, Tells, a row a\ntrack")) == 3
    assert retired("One row per track; the untold story of foretelling.") == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_page_uses_a_retired_word(page: Path) -> None:
    assert retired(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_no_help_uses_a_retired_word(command: str | None) -> None:
    result = CliRunner().invoke(app, [*([command] if command else []), "--help"], env={"COLUMNS": "10000"})
    assert result.exit_code == 0
    assert retired(result.output) == []
