import numpy as np

from design.balance import LevelUse, level_counts, unbalance
from tests.design.spaces import factorial, nothing, paper_candidates


def test_the_papers_example():
    """Footnote 7: 20 runs for SS-R, 16 for MS-SR@FC, 18 for the other four: 20 - 16 = 4."""
    assert unbalance(np.array([20, 16, 18, 18, 18, 18]), np.ones(6)) == 4


def test_exhausted_levels_are_excepted():
    assert unbalance(np.array([3, 9, 5]), np.array([0, 4, 1])) == 4
    assert unbalance(np.array([3, 9, 5]), np.array([0, 0, 0])) == 0


def test_what_is_foretold_is_what_happens():
    candidates = factorial(3, 2, 4)
    rng = np.random.default_rng(1)
    remaining = np.ones(len(candidates), dtype=bool)
    use = LevelUse(candidates, nothing(candidates), remaining)
    for row in rng.permutation(len(candidates)):
        levels = candidates.codes[row]
        foretold = use.unbalance_after()[np.arange(3), levels]
        use.take(levels)
        remaining[row] = False
        np.testing.assert_array_equal(use.unbalance(), foretold)
        np.testing.assert_array_equal(use.left, level_counts(candidates.codes[remaining], np.array([3, 2, 4])))


def test_runs_done_before_count_as_used_but_not_as_left():
    candidates = paper_candidates()
    start = candidates.codes[:7]
    use = LevelUse(candidates, start, candidates.rows_of(start)[1])
    assert use.counts[0].sum() == 7
    assert use.left[0].sum() == 1223
