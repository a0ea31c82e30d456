import pytest

from design import contradictions as module
from design.candidates import Candidates
from design.contradictions import contradictions
from tests.design.spaces import factorial, paper_candidates


def test_even_sources_and_an_even_number_of_them_exclude_each_other():
    """n uniform over 2 to 7 has mean 4.5 of 8: present in 56.25 %, absent in 43.75 %, so 12.5 % apart."""
    assert contradictions(paper_candidates(), ("strategy", "sources", "n_sources")) == [
        "sources and n_sources cannot both be balanced: with sources balanced, the imbalance of n_sources is at least "
        "11.1% of the runs; with n_sources balanced, that of sources is at least 12.5%; at best, both have an "
        "imbalance of 5.9%"
    ]


def test_what_cannot_be_balanced_by_itself_is_said():
    candidates = paper_candidates()
    kept = candidates.codes[candidates.codes[:, -1] >= 3]  # n = 5 to 7: sources present in at least 5 of 8 runs
    assert contradictions(Candidates(candidates.factors, kept), ("sources", "n_sources")) == [
        "sources cannot be balanced: its imbalance is at least 25.0% of the runs"
    ]


def test_without_the_largest_designs_there_is_no_contradiction():
    candidates = paper_candidates()
    kept = candidates.codes[candidates.codes[:, -1] < 5]  # n = 2 to 6: a mean of 4 of 8
    assert contradictions(Candidates(candidates.factors, kept), ("strategy", "sources", "n_sources")) == []


def test_a_factorial_has_none():
    assert contradictions(factorial(3, 2, 4), ("strategy", "a", "b")) == []


def test_a_forbidden_corner_can_make_one():
    candidates = factorial(2, 2)
    corner = Candidates(candidates.factors, candidates.codes[[0, 1, 2]])
    assert contradictions(corner, ("strategy", "a")) == []  # half and half of each goes with two runs
    corner = Candidates(candidates.factors, candidates.codes[[0, 1]])
    assert contradictions(corner, ("strategy", "a")) == []  # one level left: nothing to balance


def test_too_many_candidates_are_said_not_guessed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "CHUNK", 1000)
    assert contradictions(paper_candidates(), ("strategy", "sources")) is None
