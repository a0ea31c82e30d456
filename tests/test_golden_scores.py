"""If training or probing gives other scores than it did, its version must be raised, or old and new rows would mix."""

from __future__ import annotations

import json

import pytest
import torch
from threadpoolctl import threadpool_limits

from study.core.results import PROBE_SCORES_VERSION, TRAIN_SCORES_VERSION
from tests.reference.golden_scores import GOLDEN, golden

STORED = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> dict:
    torch.set_num_threads(1)
    with threadpool_limits(1):
        return golden(tmp_path_factory.mktemp("golden") / "small")


@pytest.mark.parametrize(
    ("part", "version", "now", "tolerance"),
    [
        # Processors round differently, and training multiplies that: a changed method moves these by far more.
        ("trained", "train_scores_version", TRAIN_SCORES_VERSION, 2e-3),
        ("probed", "probe_scores_version", PROBE_SCORES_VERSION, 1e-3),
    ],
)
def test_scores_stay_or_their_version_is_raised(fresh, part: str, version: str, now: int, tolerance: float) -> None:
    assert STORED[version] == now, "a raised version needs new golden scores: python -m tests.reference.golden_scores"
    assert set(fresh[part]) == set(STORED[part])
    for name, values in STORED[part].items():
        assert fresh[part][name] == pytest.approx(values, rel=tolerance, abs=tolerance), (name, f"raise {version}?")
