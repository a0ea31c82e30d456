"""The GPU benchmark end to end on a CPU, so that it runs when there is a GPU to run it on."""

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


def test_it_runs_and_prints_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    train_gpu.main(replace(train_gpu.QUICK, shares=()))
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split(" train() ")[0].split() for line in lines if " train() " in line]
    assert rows == [[s, f"{p},", "eager"] for s in ("SS-R", "MS-CR@2") for p in ("bf16", "float32")]
    assert lines[1].startswith("copy: ") and lines[-1].startswith("425 runs") and "GPU-hours" in lines[-1]


def test_two_trainings_together_share_the_time_asked_for(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(train_gpu, "STRATEGIES", {"SS-R": train_gpu.STRATEGIES["SS-R"]})
    train_gpu.main(replace(train_gpu.QUICK, shares=(2,), shared_s=0.3, ways=train_gpu.EAGER[:1]))
    [told] = [line for line in capsys.readouterr().out.splitlines() if " 2 trainings together " in line]
    found = re.search(r" ([\d.]+) steps/s: [\d.]+ times one, over ([\d.]+) s in which all trained", told)
    assert found and float(found[1]) > 0 and 0.3 <= float(found[2]) < 30


def test_trainings_together_are_counted_while_all_of_them_train() -> None:
    early = [(0.0, 10), (4.0, 50), (8.0, 90)]  # 10 steps a second, then alone from 6 on
    late = [(2.0, 5), (6.0, 25)]  # 5 steps a second
    assert train_gpu.shared_seconds([early, late]) == 4.0
    assert train_gpu.common_rate([early, late]) == pytest.approx(15.0)
    assert train_gpu.shared_seconds([early, []]) < train_gpu.shared_seconds([early, [(9.0, 5)]]) < 0


def test_of_a_log_the_steps_of_its_last_whole_epoch_count(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    assert train_gpu.steps_logged(log) == 0
    log.write_text('{"event": "started"}\n{"event": "epoch", "step": 7}\n{"event": "epoch", "st')
    assert train_gpu.steps_logged(log) == 7


def test_a_training_that_ends_before_its_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Mock(is_alive=lambda: False)
    monkeypatch.setattr(train_gpu, "get_context", lambda way: Mock(Process=lambda **_: ended))
    with pytest.raises(RuntimeError, match="one of 2 trainings together ended before its time"):
        train_gpu.shared_rate(train_gpu.QUICK, "SS-R", train_gpu.EAGER[0], 2)
    assert ended.terminate.called


def test_the_study_is_of_the_size_that_the_paper_gives() -> None:
    assert abs(train_gpu.STUDY_STEPS / 1.2e8 - 1) < 0.01


def test_without_a_gpu_it_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["train_gpu.py"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(train_gpu.__file__, run_name="__main__")
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "needs a GPU" in line
