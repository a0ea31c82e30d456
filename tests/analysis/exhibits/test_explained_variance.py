from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.exhibits.explained_variance import explained_variance
from analysis.fitting.mixed_model import fit_mixed
from analysis.fitting.random_terms import RandomTerm
from study.core.coding import n_star, r_star

REFERENCE = Path(__file__).parents[2] / "reference" / "mixed_models_balanced.csv"


def test_as_the_r_package_performance_has_it() -> None:
    # f <- lmer(score ~ r_star + n_star + rn + (1 + rn | target)); performance::r2_nakagawa(f); performance::icc(f)
    rows = pd.read_csv(REFERENCE)
    size, steps = r_star(rows["strategy"]), n_star(rows["strategy"], rows["n_sources"])
    fixed = pd.DataFrame({"one": 1.0, "r_star": size, "n_star": steps, "rn": size * steps})
    by_target = RandomTerm("target", rows["target"].to_numpy(), fixed[["one", "rn"]], correlated=True)
    found = explained_variance(fit_mixed(rows["score"].to_numpy(), fixed, [by_target]))
    assert found.r2_marginal == pytest.approx(0.525597791462, abs=1e-6)
    assert found.r2_conditional == pytest.approx(0.54041181698, abs=1e-6)
    assert found.icc == pytest.approx(0.0312267212312, abs=1e-6)


def test_planted_shares_come_back() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(300), 20)
    x = rng.standard_normal(len(group))
    y = x + 2.0 * rng.standard_normal(300)[group] + np.sqrt(3.0) * rng.standard_normal(len(group))
    fixed = pd.DataFrame({"one": 1.0, "x": x})
    found = explained_variance(fit_mixed(y, fixed, [RandomTerm("group", group, fixed[["one"]])]))
    assert found.r2_marginal == pytest.approx(1 / 8, abs=0.03)
    assert found.r2_conditional == pytest.approx(5 / 8, abs=0.03)
    assert found.icc == pytest.approx(4 / 7, abs=0.03)
