import numpy as np
import pytest

from design import level_tables
from design.level_tables import LevelTables
from tests.design.spaces import factorial, paper_candidates


@pytest.mark.parametrize("block_size", [2, 16, 1024])
@pytest.mark.parametrize("candidates", [paper_candidates(), factorial(3, 2, 4, 2, 5)], ids=["paper", "mixed"])
def test_blocks_give_what_a_plain_sum_gives(candidates, block_size: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(level_tables, "BLOCK_SIZE", block_size)
    tables = LevelTables(candidates)
    table = np.random.default_rng(0).normal(size=(len(candidates.factors), tables.n_levels.max()))
    entries = table[np.arange(len(candidates.factors)), candidates.codes]
    np.testing.assert_allclose(tables.sum(table), entries.sum(axis=1), atol=1e-12)
    np.testing.assert_array_equal(tables.max(table), entries.max(axis=1))
