"""The GPU benchmark end to end on a CPU, so that it runs when there is a GPU to run it on; its checks on a GPU."""

from __future__ import annotations

import re
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch

from benchmarks import train_gpu
from benchmarks.gpu_checks import checks
from benchmarks.gpu_trainings import EAGER, FULL, QUICK, epochs_logged


def test_it_runs_and_prints_every_figure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert train_gpu.main(replace(QUICK, shares=()), 60, tmp_path / "lines.txt")
    lines = (tmp_path / "lines.txt").read_text().splitlines()
    assert [line.split(" s  ", 1)[1] for line in capsys.readouterr().out.splitlines()] == lines
    rows = [line.split(" train() ")[0].split() for line in lines if " train() " in line]
    assert rows == [[s, f"{p},", "eager"] for p in ("bf16", "float32") for s in ("SS-R", "MS-CR@2")]
    assert sum(line.startswith("ok ") for line in lines) == 16 and not any(line.startswith("NOT") for line in lines)
    assert any(line.startswith("copy: ") for line in lines)
    assert "store on the host" in lines[-3] and all("GPU-hours" in line for line in lines[-2:])


def test_what_the_minutes_do_not_suffice_for_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    train_gpu.main(QUICK, 0, tmp_path / "lines.txt")
    out = [line.partition("left out, for the time is up: ")[2] for line in capsys.readouterr().out.splitlines()]
    assert [line for line in out if line] == [
        "SS-R, bf16, eager", "MS-CR@2, bf16, eager", "SS-R, float32, eager", "MS-CR@2, float32, eager",
        "the store on the host", "2 trainings together",
    ]  # fmt: skip


def test_a_check_that_fails_is_said(monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path) -> None:
    monkeypatch.setattr(train_gpu, "checks", lambda size: iter([("two things", 0.5, 0.1)]))
    assert not train_gpu.main(QUICK, 0, tmp_path / "lines.txt")
    assert "NOT two things differ by 0.5 (at most 0.1)" in capsys.readouterr().out


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_on_a_gpu_is_right() -> None:
    assert [what for what, value, limit in checks(FULL) if not value <= limit] == []


def test_two_trainings_together_share_the_time_asked_for() -> None:
    rate, seconds = train_gpu.shared_rate(replace(QUICK, shared_s=0.3), "SS-R", EAGER[0], 2)
    assert rate > 0 and 0.3 <= seconds < 30


def test_trainings_together_are_counted_while_all_of_them_train() -> None:
    early = [(0.0, 10), (4.0, 50), (8.0, 90)]  # 10 steps a second, then alone from 6 on
    late = [(2.0, 5), (6.0, 25)]  # 5 steps a second
    assert train_gpu.shared_seconds([early, late]) == 4.0
    assert train_gpu.common_rate([early, late]) == pytest.approx(15.0)
    assert train_gpu.shared_seconds([early, []]) < train_gpu.shared_seconds([early, [(9.0, 5)]]) < 0


def test_of_a_log_the_whole_epochs_count(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    assert epochs_logged(log) == []
    log.write_text('{"event": "started"}\n{"event": "epoch", "step": 7}\n{"event": "epoch", "st')
    assert epochs_logged(log) == [{"event": "epoch", "step": 7}]


def test_a_training_that_ends_before_its_time_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Mock(is_alive=lambda: False)
    monkeypatch.setattr(train_gpu, "get_context", lambda way: Mock(Process=lambda **_: ended))
    with pytest.raises(RuntimeError, match="one of 2 trainings together ended before its time"):
        train_gpu.shared_rate(QUICK, "SS-R", EAGER[0], 2)
    assert ended.terminate.called


def test_the_study_is_of_the_size_that_the_paper_gives() -> None:
    assert abs((train_gpu.SINGLE_STEPS + train_gpu.SEVERAL_STEPS) / 1.2e8 - 1) < 0.01


def test_without_a_gpu_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["train_gpu.py"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(train_gpu.__file__, run_name="__main__")
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.match("train_gpu.py needs a GPU", line)
