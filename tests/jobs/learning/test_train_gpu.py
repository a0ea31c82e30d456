"""The GPU benchmark end to end on a CPU, so that it runs when there is a GPU to run it on."""

from __future__ import annotations

import runpy
import sys
from dataclasses import replace

import pytest
import torch

from benchmarks import train_gpu


def test_it_runs_and_prints_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    train_gpu.main(replace(train_gpu.QUICK, shares=()))
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split(" train() ")[0].split() for line in lines if " train() " in line]
    assert rows == [[s, f"{p},", "eager"] for s in ("SS-R", "MS-CR@2") for p in ("bf16", "float32")]
    assert lines[1].startswith("copy: ") and lines[-1].startswith("425 runs") and "GPU-hours" in lines[-1]


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
