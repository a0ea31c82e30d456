"""What the page promises against generalised least squares, and against simulated studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.planning.power import Grid, power
from analysis.planning.truth import paper_truth, stated
from design.expected_errors import over_targets, run_rows
from design.generate import generate
from design.page import design_page
from design.verdict import margins, verdict
from study.core.coding import first_model
from study.core.effects import effects_of, weights_of
from study.core.variances import RUN_SHARE, assumed_variances
from study.workflow.plan import smallest_effects
from tests.design.spaces import write_study

SEVEN = "\n".join(f'[targets.t{k}]\ntask = "classification"\ntracks = "t{k}.csv"' for k in range(6))


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory):
    study = write_study(tmp_path_factory.mktemp("verdict"), factors="width = [0.5, 1.0, 2.0]\n" + SEVEN)
    runs = generate(study, 80)
    return study, runs, first_model(run_rows(study, runs), study.further_factors)


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("n_targets", [2, 5])
def test_errors_are_those_of_generalised_least_squares(planned, share: float, n_targets: int):
    """Half of the residual variance shared would be a factor of 1.8 at two targets."""
    _, _, coding = planned
    variances = assumed_variances(coding.columns, share)
    effects = effects_of(list(coding.columns))
    x = coding.columns.to_numpy()
    d = np.diag([variances.between.get(term, 0.0) for term in coding.columns])
    own = x @ d @ x.T + (1 - share) * variances.residual * np.eye(len(x))
    v = np.kron(np.eye(n_targets), own)
    v += np.kron(np.ones((n_targets, n_targets)), share * variances.residual * np.eye(len(x)))
    every = np.tile(x, (n_targets, 1))
    covariance = np.linalg.inv(every.T @ np.linalg.solve(v, every))
    weights = weights_of(effects, list(coding.columns))
    expected = np.sqrt(np.einsum("mp,pq,mq->m", weights, covariance, weights))
    np.testing.assert_allclose(over_targets(coding, effects, variances, n_targets).se, expected, rtol=1e-8)


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("n_targets", [4, 7])
def test_smallest_effects_are_those_of_study_power(planned, n_targets: int, share: float):
    """As typed: study power --sd run=... --sd combination=0 --sd residual=...; at the default share without any."""
    study, runs, coding = planned
    rows, rng = run_rows(study, runs), np.random.default_rng(5)
    targets = dict(list(study.targets.items())[:n_targets])
    said = smallest_effects(study.model_copy(update={"targets": targets}), runs, share)
    total = 0.75**2 + 0.3**2 + 0.2**2
    typed = [f"run={(share * total) ** 0.5}", "combination=0", f"residual={((1 - share) * total) ** 0.5}"]
    typed.append("combination[one source]=0")
    truth = stated(paper_truth(coding), coding, [], typed if share != RUN_SHARE else [])
    (cell,) = power(rows, study.further_factors, truth, Grid([len(rows)], [n_targets], 300), rng)
    assert len(said) == len(cell.power)
    # of each kind the largest is said; single ones differ by the luck of the draw
    for kind in (":n_star", " - ", "factor."):
        names = [name for name in said if kind in name]
        expected = cell.power.set_index("effect").smallest[names].mean()
        assert np.mean([said[name] for name in names]) == pytest.approx(expected, rel=0.1)


def test_the_verdict_comes_first_and_says_what_it_assumes(planned):
    study, runs, coding = planned
    further = generate(study, 130)[len(runs) :]
    said = verdict(study, runs, further, {RUN_SHARE: smallest_effects(study, runs)})
    known = margins(coding, 7)
    assert said[0].startswith(f"With {len(runs)} runs and 7 targets, 95 % intervals will be no wider than")
    assert f"±{known['pairs']:.2f} SD" in said[0] and "a power of 80% at the 5% level" in said[1]
    more = margins(first_model(run_rows(study, [*runs, *further]), study.further_factors), 7)
    stated = [float(part.split()[0]) for part in said[2].split("±")[1:]]
    assert stated == pytest.approx([more[kind] for kind in known], abs=0.006)
    html = design_page(study, runs, lambda run: 1.0).files["design.html"].decode()
    assert html.index("will be no wider than") < html.index("<h2>Phases</h2>")


def test_little_can_be_promised_of_one_target_or_few_runs(tmp_path: Path):
    study = write_study(tmp_path)
    assert "a single target" in verdict(study, generate(study, 20), [], {})[0]
    several = write_study(tmp_path / "several", factors=SEVEN)
    assert "too few" in verdict(several, generate(several, 20)[-5:], [], {})[0]
