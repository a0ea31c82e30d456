"""Where no family of statements stands out among all, they are judged together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.analyze import analyze, families_to_join
from analysis.contrasts import NOT_SIGNIFICANT
from analysis.simultaneous import Judging, judged
from study.core.strategies import STRATEGIES
from tests.analysis.test_simultaneous import judged_alone


def verdicts(**least: float) -> pd.DataFrame:
    return pd.DataFrame([(family, p) for family, own in least.items() for p in (own, 0.9)], columns=["family", "p"])


def test_they_are_joined_where_one_is_significant_and_none_stands_out() -> None:
    assert families_to_join(verdicts(pairs=0.03, slopes=0.4)) == 2
    assert families_to_join(verdicts(pairs=0.03, slopes=0.4, size=0.001)) == 0
    assert families_to_join(verdicts(pairs=0.06, slopes=0.4)) == 0
    assert families_to_join(verdicts(pairs=0.03)) == 0
    assert families_to_join(verdicts().assign(p=[])) == 0


@pytest.mark.parametrize("n", [1, 5])
def test_joined_intervals_hold_zero_where_nothing_is_significant(n: int) -> None:
    tests = judged_alone(np.array([2.2, 3.0, 4.5]), np.full(3, 20.0))
    one, many = (judged(tests[:n], np.eye(3)[:n, :n], np.eye(3)[:n, :n], Judging(1, families)) for families in (1, 4))
    np.testing.assert_allclose(many["p_adjusted"], np.minimum(4 * one["p_adjusted"], 1.0))
    assert (many["ci_high"] - many["ci_low"] > one["ci_high"] - one["ci_low"]).all()
    outside = (many["ci_low"] > 0.0) | (many["ci_high"] < 0.0)
    assert (outside == (many["p_adjusted"] < 0.05)).all()


@pytest.mark.slow
def test_a_report_of_chance_findings_says_so(simulate) -> None:
    nothing = dict.fromkeys(STRATEGIES, 0.0)
    joined = 0
    for seed in range(6):
        analysis = analyze(simulate(seed=seed, strategies=nothing, slopes=nothing, noise=1.0, baselines={}))
        said = [line for line in analysis.findings if line.startswith("No effect is significant among all")]
        if said:
            joined += 1
            assert analysis.answer[0] == said[0] and (analysis.verdicts["verdict"] == NOT_SIGNIFICANT).all()
            zero = (analysis.verdicts["ci_low"] <= 0.0) & (analysis.verdicts["ci_high"] >= 0.0)
            assert zero[analysis.verdicts["ci_low"].notna()].all()
    assert joined
