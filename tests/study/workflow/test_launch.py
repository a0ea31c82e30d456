"""Launching, as far as it is no business of a wing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from jobs import preparation
from study.core import writing
from study.core.errors import InputFaults, Interrupted
from study.core.plan import write_plan
from study.core.reading import read_study
from study.workflow.launch import LaunchOptions, launch_study
from tests.test_bad_input import study as command


def test_ctrl_c_while_preparing_says_how_to_go_on(
    small_study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def stopped(*given: object, all_frames: bool) -> None:
        raise KeyboardInterrupt

    given = read_study(small_study)
    write_plan(small_study / "plan.parquet", given, [], lambda run: None)
    monkeypatch.setattr(preparation, "prepare", stopped)
    with pytest.raises(Interrupted, match="before any run began"):
        launch_study(given, LaunchOptions(in_process=True))
    status, _, err = command(capfd, "launch", str(small_study), "--in-process")
    assert status == 130 and err == "stopped before any run began; prepared data is kept, launch again to resume\n"


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_store_without_hard_links_is_found_before_anything_is_prepared(
    small_study: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As on FAT, and on some file systems of networks."""
    given = read_study(small_study)
    write_plan(small_study / "plan.parquet", given, [], lambda run: None)

    def refuse(source: Path, to: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(writing.os, "link", refuse)
    with pytest.raises(InputFaults, match=r"\[study\] store = .*no hard links"):
        launch_study(given, LaunchOptions(in_process=True))
    assert not (small_study / "prepared").exists() and not list(small_study.glob(".*"))


def test_a_file_system_whose_links_overwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert writing.has_hard_links(tmp_path) and not list(tmp_path.iterdir())
    monkeypatch.setattr(writing.os, "link", os.replace)
    assert not writing.has_hard_links(tmp_path)
