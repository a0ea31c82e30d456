import runpy
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from design.balance_alias import balance_alias
from design.candidates import Candidates, Factor
from tests.design.spaces import nothing

LITERAL = runpy.run_path(str(Path(__file__).parents[1] / "reference" / "algorithm2_literal.py"))


def small_space(n_strategies: int, n_sources: int, sizes: tuple[int, ...]) -> Candidates:
    subsets = [row for row in np.ndindex((2,) * n_sources) if sum(row) in sizes]
    codes = [(strategy, *row, sizes.index(sum(row))) for strategy in range(n_strategies) for row in subsets]
    factors = (
        Factor("strategy", tuple("ABCDE"[:n_strategies])),
        *(Factor(f"source.s{k}", (False, True)) for k in range(n_sources)),
        Factor("n_sources", sizes),
    )
    return Candidates(factors, np.array(codes, dtype=np.uint8))


@pytest.mark.parametrize(("n_strategies", "n_sources", "sizes"), [(2, 3, (1, 2)), (3, 3, (2, 3)), (3, 4, (2, 3))])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_run_is_of_the_set_p_that_a_literal_transcription_finds(n_strategies, n_sources, sizes, seed):
    candidates = small_space(n_strategies, n_sources, sizes)
    runs = [tuple(row) for row in candidates.codes.tolist()]
    factors = [lambda run, k=k: run[k] for k in range(n_sources + 2)]
    columns = [(0, lambda run, level=level: int(run[0] == level)) for level in range(n_strategies)]
    columns += [(k, lambda run, k=k: run[k]) for k in range(1, n_sources + 1)]
    order = balance_alias(candidates, nothing(candidates), tuple(range(n_sources + 2)), np.random.SeedSequence(seed))
    done, left = [], list(runs)
    for row in islice(order, 24):
        _, chosen_from = LITERAL["possible_sets"](left, done, factors, columns)
        assert runs[row] in chosen_from, f"step {len(done) + 1}"
        done.append(runs[row])
        left.remove(runs[row])
    assert len(done) == min(24, len(runs))


def test_the_choice_within_p_is_random_by_the_seed():
    candidates = small_space(2, 4, (2, 3))
    first = {next(balance_alias(candidates, nothing(candidates), (0, 1, 2, 3, 4, 5), np.random.SeedSequence(seed)))
             for seed in range(30)}  # fmt: skip
    assert len(first) > 10


def test_planning_on_is_the_plan_made_at_once():
    candidates = small_space(3, 4, (2, 3))
    balance, seed = tuple(range(6)), np.random.SeedSequence(5)
    whole = list(balance_alias(candidates, nothing(candidates), balance, seed))
    assert sorted(whole) == list(range(len(candidates)))
    assert list(balance_alias(candidates, candidates.codes[whole[:10]], balance, seed)) == whole[10:]
