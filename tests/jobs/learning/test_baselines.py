"""The contract, for our own baselines."""

from __future__ import annotations

from jobs.learning.learners import BASELINES
from study.testing.baseline import BaselineContract


class TestMfcc(BaselineContract):
    name = "MFCC"


class TestRandom(BaselineContract):
    name = "Random"


def test_every_baseline_has_a_contract() -> None:
    assert {each.name for each in (TestMfcc, TestRandom)} == set(BASELINES)
