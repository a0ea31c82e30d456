from itertools import islice

import numpy as np
import pytest

from design.candidates import Candidates
from design.information import RIDGE, model_columns, moments
from design.optimal import optimal
from tests.design.spaces import factorial, nothing, paper_candidates


def criterion_value(criterion: str, candidates, rows) -> float:
    columns = model_columns(candidates.factors, candidates.codes[rows])
    inverse = np.linalg.inv(columns.T @ columns + RIDGE * np.eye(columns.shape[1]))
    return {
        "D": lambda: float(np.linalg.slogdet(inverse)[1]),
        "A": lambda: float(np.trace(inverse)),
        "I": lambda: float(np.trace(moments(candidates) @ inverse)),
    }[criterion]()


@pytest.mark.parametrize("criterion", ["D", "A", "I"])
@pytest.mark.parametrize("space", ["factorial", "corners forbidden"])
def test_each_step_is_the_best_that_trying_all_finds(criterion: str, space: str):
    """The first six, one a term, are the best for D: fewer bound neither variance."""
    candidates = factorial(3, 2, 2, 2)
    if space == "corners forbidden":
        candidates = Candidates(candidates.factors, candidates.codes[candidates.codes.sum(axis=1) <= 3])
    done: list[int] = []
    for row in islice(optimal(criterion, candidates, nothing(candidates), np.random.SeedSequence(0)), 14):
        measure = "D" if len(done) < 6 else criterion
        others = [r for r in range(len(candidates)) if r not in done]
        best = min(criterion_value(measure, candidates, [*done, other]) for other in others)
        done.append(row)
        assert criterion_value(measure, candidates, done) <= best + 1e-6 * abs(best)


@pytest.mark.parametrize("n_runs", [14, 20, 40, 100])
def test_each_criterion_is_near_the_best_of_the_three_by_its_own_measure(n_runs: int):
    candidates = paper_candidates()
    plans = {
        c: list(islice(optimal(c, candidates, nothing(candidates), np.random.SeedSequence(0)), n_runs)) for c in "DAI"
    }
    for criterion in "AI":
        values = {c: criterion_value(criterion, candidates, plan) for c, plan in plans.items()}
        assert values[criterion] <= 1.04 * min(values.values())
    log_det = {c: criterion_value("D", candidates, plan) for c, plan in plans.items()}
    assert log_det["D"] <= min(log_det.values()) + 13 * np.log(1.04)
