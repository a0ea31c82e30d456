"""Names from file names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.core.errors import InputFaults
from study.workflow.from_audio.pattern import likely_pattern, read_names

WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)


@given(st.lists(st.tuples(WORD, WORD, WORD), min_size=1, max_size=5))
def test_what_a_name_was_made_of_is_read_back(words: list[tuple[str, str, str]]) -> None:
    files = [Path(folder) / f"{first}_x_{second}.wav" for folder, first, second in words]
    assert read_names("{parent}/{first}_x_{second}", files).to_numpy().tolist() == [list(row) for row in words]


def test_a_name_of_another_form_has_no_text_and_is_not_cut_somewhere() -> None:
    table = read_names("{digit}_{speaker}", [Path("3_ann.wav"), Path("3_ann_b.wav"), Path("3.wav"), Path("x/4_bo.wav")])
    assert table.to_numpy().tolist() == [["3", "ann"], ["", ""], ["", ""], ["4", "bo"]]


def test_folders_and_text_that_is_not_wanted() -> None:
    files = [Path("strings/cello/Gs5_15.mp3"), Path("brass/horn/A4_1_x.mp3")]
    assert read_names("{parent}", files)["parent"].tolist() == ["cello", "horn"]
    assert read_names("{family}/{_}/{pitch}_{_}", files).to_numpy().tolist() == [["strings", "Gs5"], ["brass", "A4"]]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{a}{b}", "two names touch"),
        ("{a}_{a}", "a occurs twice"),
        ("{My Name}_{b}", "did you mean 'my_name'?"),
        ("plain", "expected names in braces"),
        ("{a}/{b}", "matches none of 1 names, such as 3_ann.wav"),
    ],
)
def test_a_pattern_that_is_wrong_says_how(pattern: str, expected: str) -> None:
    with pytest.raises(InputFaults, match=r"--pattern") as raised:
        read_names(pattern, [Path("3_ann.wav")])
    assert expected in str(raised.value)


def test_a_likely_pattern() -> None:
    assert likely_pattern([Path("a/1_b.wav"), Path("c/2_d.wav")]) == "{parent}/{name1}_{name2}"
    assert likely_pattern([Path("a/one.wav"), Path("c/two.wav")]) == "{parent}/{_}"
    assert likely_pattern([Path("one.wav"), Path("two_three.wav")]) is None
