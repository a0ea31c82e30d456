import numpy as np

from design.candidates import Candidates
from design.dependence import dependent_terms, derived_factors, impossible_levels
from design.information import model_columns, term_names
from tests.design.spaces import paper_candidates


def test_independent_terms_are_none():
    columns = np.random.default_rng(0).normal(size=(20, 4))
    assert dependent_terms(columns.T @ columns, list("abcd")) == {}


def test_a_dependent_term_is_named_with_what_it_is():
    columns = np.random.default_rng(0).normal(size=(20, 3))
    columns = np.column_stack([np.ones(20), columns, 3 - columns[:, 0] + 0.5 * columns[:, 2], np.zeros(20)])
    found = dependent_terms(columns.T @ columns, ["intercept", "a", "b", "c", "d", "e"])
    assert found == {"d": "3 - a + 0.5 c", "e": "0"}


def test_with_always_four_sources_the_last_is_given_by_the_others():
    candidates = paper_candidates()
    columns = model_columns(candidates.factors, candidates.codes[candidates.codes[:, -1] == 2])
    found = dependent_terms(columns.T @ columns, term_names(candidates.factors))
    assert found == {"source.artist": "-" + " - ".join(f.name for f in candidates.factors[1:8])}


def test_the_number_of_sources_is_said_to_be_their_sum_with_what_it_shares():
    """Evenly 2 to 7 of eight: no design has less than sd(n) / sum sd(s) = 0.43."""
    candidates = paper_candidates()
    even = np.concatenate([candidates.codes[candidates.codes[:, -1] == k].repeat(840 // n, axis=0)
                           for k, n in enumerate((28, 56, 70, 56, 28, 8))])  # fmt: skip
    (told,) = derived_factors(candidates, even)
    assert told.startswith("n_sources is the sum of the source indicators")
    assert told.endswith("is 0.43, and at least 0.43 in any design with these level counts")
    (told,) = derived_factors(candidates, candidates.codes[candidates.codes[:, -1] == 2])
    assert told.endswith("all runs have 4")


def test_levels_that_no_run_can_have_are_named():
    candidates = paper_candidates()
    assert impossible_levels(candidates) == []
    codes = candidates.codes[
        (candidates.codes[:, 0] != 4) & (candidates.codes[:, 1] == 1) & (candidates.codes[:, 2] == 0)
    ]
    assert impossible_levels(Candidates(candidates.factors, codes)) == [
        "no possible run has strategy = MSS-CR", "all possible runs have self", "no possible run has bpm",
    ]  # fmt: skip
