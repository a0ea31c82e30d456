from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from analysis.letters import compact_letters

NAMES = [f"m{k}" for k in range(7)]
PAIRS = [frozenset(pair) for pair in combinations(NAMES, 2)]


@given(st.sets(st.sampled_from(PAIRS)))
def test_two_share_a_letter_exactly_where_they_do_not_differ(different: set[frozenset[str]]) -> None:
    letters = compact_letters(NAMES, different)
    for a, b in combinations(NAMES, 2):
        assert bool(set(letters[a]) & set(letters[b])) == (frozenset((a, b)) not in different)
    assert "a" in letters[NAMES[0]]
    groups = {letter: {name for name in NAMES if letter in letters[name]} for letter in set("".join(letters.values()))}
    assert not any(one < other for one in groups.values() for other in groups.values()), "no letter is superfluous"


def test_groups_overlap_where_neighbours_do_not_differ() -> None:
    names = ["best", "good", "middle", "worst"]
    different = [frozenset(pair) for pair in (("best", "middle"), ("best", "worst"), ("good", "worst"))]
    assert compact_letters(names, different) == {"best": "a", "good": "ab", "middle": "bc", "worst": "c"}


def test_one_group_and_all_apart() -> None:
    assert set(compact_letters(NAMES, []).values()) == {"a"}
    assert list(compact_letters(NAMES, PAIRS).values()) == list("abcdefg")
    many = [f"m{k}" for k in range(30)]
    assert compact_letters(many, [frozenset(pair) for pair in combinations(many, 2)])["m29"] == "ad"
