from itertools import islice

import numpy as np
import pytest

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
def test_each_step_is_the_best_that_trying_all_finds(criterion: str):
    candidates = factorial(3, 2, 2, 2, 2)
    done: list[int] = []
    for row in islice(optimal(criterion, candidates, nothing(candidates), np.random.SeedSequence(0)), 20):
        others = [r for r in range(len(candidates)) if r not in done]
        best = min(criterion_value(criterion, candidates, [*done, other]) for other in others)
        done.append(row)
        assert criterion_value(criterion, candidates, done) <= best + 1e-6 * abs(best)


def test_each_criterion_is_best_by_its_own_measure():
    candidates = paper_candidates()
    plans = {c: list(islice(optimal(c, candidates, nothing(candidates), np.random.SeedSequence(0)), 60)) for c in "DAI"}
    for criterion in "DA":
        values = {c: criterion_value(criterion, candidates, plan) for c, plan in plans.items()}
        random = np.random.default_rng(0).choice(len(candidates), 60, replace=False)
        assert values[criterion] < criterion_value(criterion, candidates, random)
