"""The native fitter beside a second independent program, where that one is to be trusted: one random intercept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from analysis.mixed_model import fit_by_group


def test_a_random_intercept_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(8), rng.integers(5, 30, 8))
    x = rng.normal(size=len(group))
    y = 0.5 + 0.3 * x + rng.normal(scale=0.7, size=8)[group] + rng.normal(size=len(group))
    fixed = pd.DataFrame({"intercept": 1.0, "x": x})
    ours = fit_by_group(y, fixed, ["intercept"], [f"g{number}" for number in group])
    theirs = MixedLM(y, fixed.to_numpy(), group).fit(reml=True, method="powell", disp=False)
    assert ours.criterion == pytest.approx(-2 * theirs.llf, abs=1e-4)
    np.testing.assert_allclose(ours.estimate, theirs.fe_params, atol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance)), theirs.bse_fe, rtol=5e-3)  # Powell stops early
    assert ours.variance[0] == pytest.approx(theirs.cov_re[0, 0], rel=1e-2)
