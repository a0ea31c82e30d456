"""Words that mean a place on a scale."""

from __future__ import annotations

import pandas as pd
import pytest

from study.workflow.from_audio.words import midi_number, on_a_scale


@pytest.mark.parametrize(
    ("note", "number"),
    [("A4", 69), ("C4", 60), ("Gs5", 80), ("Bb3", 58), ("c#-1", 1), ("Cb4", 59), ("Eflat2", 39), ("H4", None),
     ("A", None), ("A44s", None)],
)  # fmt: skip
def test_note_names(note: str, number: int | None) -> None:
    assert midi_number(note) == number


def test_dynamics_get_their_order_and_one_spelling() -> None:
    texts = pd.Series(["forte", "piano", "mezzo-forte", "pianissimo", "f", "forte", "phrase"], index=list("abcdefg"))
    found = on_a_scale(texts, 0.8)
    assert found is not None and found[1] == ("pianissimo", "piano", "mezzo-forte", "forte")
    assert found[0].to_dict() == {"a": "forte", "b": "piano", "c": "mezzo-forte", "d": "pianissimo", "e": "forte",
                                  "f": "forte"}  # fmt: skip


def test_words_of_no_scale() -> None:
    assert on_a_scale(pd.Series(["m", "f", "m", "f"]), 0.8) is None
    assert on_a_scale(pd.Series(["forte"] * 5), 0.8) is None
