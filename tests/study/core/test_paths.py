"""Where files are."""

from __future__ import annotations

from pathlib import Path

from study.core.paths import Paths


def test_layout() -> None:
    paths = Paths(Path("store"))
    assert paths.result("r", "gtzan", "f") == Path("store/results/r/gtzan-f.parquet")
    assert paths.weights("r") == Path("store/runs/r/weights.safetensors")
