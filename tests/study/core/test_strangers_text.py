"""What a stranger's study file or table may hold: bounds, and text that would steer a terminal."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.table import Table

from study.core.errors import Fault, InputFaults, RunFailed, printable
from study.core.overrides import read_overrides
from study.core.reading import MOST_BYTES, read_study
from study.display.consoles import console

STEERING = "a\x1b[2J\x07\x9b\u202eb\r\n"


def study_file(folder: Path, text: str) -> Path:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "[" * 300 + "]" * 300, "nested more than 16 levels deep"),
        ("a = " + "9" * 10_000, "not valid TOML"),
        ("a = [" + "1, " * 10_001 + "]", "a list of more than 10,000 values"),
        ("[design.phase." + ".".join("x" * 50) + "]", "nested more than 16 levels deep"),
        ("[[design.phase]]\nname = 'a'\nn_sources = { from = 1, to = 1000000000 }", "a range of at most 1000 integers"),
        ("[[design.phase]]\nname = 'a'\nn_sources = [1]\nrepeats = 1000000000", "less than or equal to 1000"),
    ],
)
def test_a_study_file_beyond_bounds(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InputFaults, match=expected):
        read_study(study_file(tmp_path, text))


def test_a_study_file_that_is_huge_or_a_pipe(tmp_path: Path) -> None:
    path = study_file(tmp_path, "") / "study.toml"
    os.truncate(path, MOST_BYTES + 1)
    with pytest.raises(InputFaults, match="expected at most 10,000,000 bytes"):
        read_study(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputFaults, match="not a file"):
        read_study(tmp_path)


def test_an_override_beyond_bounds() -> None:
    with pytest.raises(InputFaults, match="nested"):
        read_overrides(["training.epochs=" + "[" * 100_000])


def test_control_characters_are_written_out() -> None:
    assert printable(STEERING) == "a\\x1b[2J\\x07\\x9b\\u202eb\\r\\n"
    assert printable("Ma Thèse, 音楽") == "Ma Thèse, 音楽"
    assert str(Fault(STEERING, STEERING, STEERING, STEERING)).isprintable()
    assert str(RunFailed(f"first{STEERING}second")).splitlines() == ["firsta\\x1b[2J\\x07\\x9b\\u202eb\\r", "second"]


def test_what_is_drawn_cannot_steer_the_terminal() -> None:
    stream = io.StringIO()
    drawing, table = console(stream), Table(STEERING)
    table.add_row(STEERING)
    drawing.print(table)
    drawing.print(STEERING, markup=False)
    assert all(line.isprintable() for line in stream.getvalue().split("\n"))
    assert stream.getvalue().count("\\x1b[2J") == 3
