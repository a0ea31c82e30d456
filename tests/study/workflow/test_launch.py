"""Launching, as far as it is no business of a wing."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs import preparation
from study.core.errors import Interrupted
from study.core.plan import write_plan
from study.core.reading import read_study
from study.workflow.launch import LaunchOptions, launch_study
from tests.test_bad_input import study as command


def test_ctrl_c_while_preparing_says_how_to_go_on(
    small_study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def stopped(*given: object) -> None:
        raise KeyboardInterrupt

    given = read_study(small_study)
    write_plan(small_study / "plan.parquet", given, [], lambda run: None)
    monkeypatch.setattr(preparation, "prepare", stopped)
    with pytest.raises(Interrupted, match="before any run began"):
        launch_study(given, LaunchOptions(in_process=True))
    status, _, err = command(capfd, "launch", str(small_study), "--in-process")
    assert status == 130 and err == "stopped before any run began; prepared data is kept, launch again to resume\n"
