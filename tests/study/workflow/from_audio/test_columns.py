"""What kind of label a column holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from study.workflow.from_audio.columns import numbering, recognise

RNG = np.random.default_rng(5)
N = 200


def column(values: object) -> pd.Series:
    texts = pd.Series(np.asarray(values, dtype=object).astype(str))
    return texts.set_axis([f"t{number:03d}" for number in range(len(texts))])


@pytest.mark.parametrize(
    ("name", "texts", "kind", "why"),
    [
        ("genre", RNG.choice(["rock", "jazz", "folk"], N), "classes", "3 classes"),
        ("digit", RNG.integers(0, 10, N), "classes", "10 codes, 0 to 9"),
        ("bpm", RNG.normal(120, 9, N).round(1), "number", "different numbers"),
        ("year", RNG.integers(1960, 2020, N), "number", "different numbers"),
        ("pitch", RNG.choice(["C4", "Cs4", "D4", "A4"], N), "number", "60 to 69"),
        ("dynamics", RNG.choice(["forte", "piano", "fortissimo"], N), "ordinal", "piano < forte < fortissimo"),
        ("tags", RNG.choice(["a|b", "b|c|d", "a", "d|a"], N), "terms", "4 terms"),
        ("length", RNG.choice(["025", "05", "1", "15"], N), "classes", "4 classes"),
        ("take", RNG.integers(0, 40, N), "none", "a serial number"),
        ("number", np.arange(N), "none", "a serial number"),
        ("title", [f"song {number}" for number in range(N)], "none", "different for nearly every track"),
        ("label", ["x"] * N, "none", "constant 'x'"),
        ("rare", ["x"] * 195 + ["y"] * 5, "none", "nearly constant: 97.5% of its tracks are 'x'"),
        ("notes", ["some"] * 9 + ["others"] * 5 + [""] * (N - 14), "none", "14 of 200 tracks have a label"),
        ("artist", np.repeat([f"a{number}" for number in range(N // 2)], 2), "group", "100 names"),
        ("speaker", RNG.integers(0, 6, N), "classes", "6 classes"),
    ],
)  # fmt: skip
def test_kinds(name: str, texts: object, kind: str, why: str) -> None:
    found = recognise(name, column(texts))
    assert (found.kind, why in found.why) == (kind, True), found.why


def test_a_few_texts_that_are_no_notes_have_no_label_and_are_counted() -> None:
    found = recognise("pitch", column(["C4", "D4", "E4", "F4"] * 49 + ["noise", "noise", "C5", "C5"]))
    assert found.kind == "number" and len(found.values) == 198 and "2 tracks with other text" in found.why


def test_groups_by_name_and_by_size() -> None:
    assert recognise("speaker", column(["ann", "bo", "cy", "di"] * 50)).names_a_group
    assert recognise("shelf", column(np.repeat([f"s{n}" for n in range(N // 2)], 2))).names_a_group
    assert not recognise("genre", column(["rock", "jazz"] * 100)).names_a_group


def test_a_number_that_only_tells_recordings_apart() -> None:
    names = [(word, str(x)) for word in ("yes", "no", "stop") for x in range(30)]
    texts = pd.DataFrame(names, columns=["word", "x"], dtype=object)
    word, x = numbering(texts, [recognise(name, texts[name]) for name in texts])
    assert word.kind == "classes" and x.kind == "none" and x.why.startswith("a serial number, 0 to 29")
    texts["x"] = [str(60 + int(x)) for x in texts["x"]]
    assert numbering(texts, [recognise(name, texts[name]) for name in texts])[1].kind == "number"
