"""Halves, sources and targets: what is proposed can be split, learned and scored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.workflow.from_audio.columns import Column, recognise
from study.workflow.from_audio.first_plan import first_plan
from study.workflow.from_audio.halves import group_of, kept_for_targets
from study.workflow.from_audio.proposals import SourceProposal, TargetProposal, propose_source, propose_target

RNG = np.random.default_rng(8)


def columns(**texts: object) -> tuple[list[str], list[Column]]:
    n = len(next(iter(texts.values())))  # type: ignore[arg-type]
    ids = [f"t{number:04d}" for number in range(n)]
    frame = pd.DataFrame(texts, index=ids).astype(str)
    return ids, [recognise(name, frame[name]) for name in frame]


@given(st.integers(14, 120), st.integers(1, 30), st.integers(0, 9))
def test_halves_share_no_group(n: int, n_groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = [f"t{number}" for number in range(n)]
    group = Column("artist", "group", pd.Series([f"a{number}" for number in rng.integers(0, n_groups, n)], ids), "")
    kept = kept_for_targets(ids, [], group, rng)
    assert not set(group.values[kept]) & set(group.values[~kept])
    alone = kept_for_targets(ids, [], None, rng)
    assert alone.sum() == max(n // 2, 10) or abs(alone.sum() - max(n / 2, 10)) <= 1


def test_classes_are_divided_alike() -> None:
    ids, (genre,) = columns(genre=["rock"] * 50 + ["jazz"] * 30 + ["folk"] * 20)
    kept = kept_for_targets(ids, [genre], None, RNG)
    assert genre.values[kept].value_counts().to_dict() == {"rock": 25, "jazz": 15, "folk": 10}


def test_digits_of_six_speakers() -> None:
    """Speakers are divided, and no speaker of the target `digit` is in both parts of a split."""
    ids, found = columns(
        digit=np.tile(np.arange(10), 60), speaker=np.repeat(["ann", "bo", "cy", "di", "ed", "fi"], 100)
    )
    digit, speaker = found
    assert group_of(found) is speaker
    kept = kept_for_targets(ids, found, speaker, RNG)
    assert not set(speaker.values[kept]) & set(speaker.values[~kept]) and kept.sum() == 300
    target = propose_target(digit, speaker, kept.index[kept], 1)
    assert isinstance(target, TargetProposal) and target.keys["folds"] == 3
    assert (target.table["group"] == target.table["track_id"].map(speaker.values)).all()
    alone = propose_target(speaker, speaker, kept.index[kept], 1)
    assert isinstance(alone, TargetProposal) and "group" not in alone.table and "differs from" in alone.notes[0]


def test_classes_that_cannot_be_split_are_left_out_and_named() -> None:
    ids, (genre,) = columns(genre=["rock"] * 50 + ["jazz"] * 46 + ["polka"] * 4)
    target = propose_target(genre, None, pd.Index(ids), 1)
    assert isinstance(target, TargetProposal) and "polka" in target.notes[0]
    assert set(target.table["label"]) == {"rock", "jazz"}


def test_a_group_that_says_the_class_does_not_spoil_the_target() -> None:
    """Every artist plays one instrument, two of them: whole artists cannot be split, tracks can."""
    ids, (instrument, artist) = columns(
        instrument=np.repeat(["flute", "oboe", "horn", "tuba"], 30),
        artist=np.repeat([f"artist {number}" for number in range(8)], 15),
    )
    target = propose_target(instrument, artist, pd.Index(ids), 1)
    assert isinstance(target, TargetProposal)
    assert target.keys == {"task": "classification", "probe": "logistic", "folds": 2}
    solo = Column("artist", "group", instrument.values + " player", "")
    target = propose_target(instrument, solo, pd.Index(ids), 1)
    assert isinstance(target, TargetProposal) and "group" not in target.table and "repeats" in target.keys


@pytest.mark.parametrize(
    ("texts", "labels", "factors"),
    [
        (RNG.choice(["a", "b", "c"], 100), "classes", None),
        (RNG.choice(["p", "mf", "ff"], 100), "ordinal", None),
        (RNG.choice(["1.5", "2", "4"], 100), "ordinal", None),
        (RNG.normal(0, 1, 100).round(3), "gmm", 16),
        (np.tile(np.arange(0, 60, 3), 5), "gmm", 10),
        (RNG.choice(["a|b", "b|c", "c|d|e", "f"], 100), "plsa", 3),
    ],
)  # fmt: skip
def test_sources_have_factors_that_their_tables_bear(texts: object, labels: str, factors: int | None) -> None:
    ids, (column,) = columns(column=texts)
    source = propose_source(column, pd.Index(ids))
    assert isinstance(source, SourceProposal)
    assert (source.keys["labels"], source.keys.get("factors")) == (labels, factors)


def test_what_is_no_label_is_said() -> None:
    ids, (take, same, few) = columns(take=list(range(30)), same=["x"] * 30, few=["a", "b"] * 15)
    assert "serial number" in str(propose_source(take, pd.Index(ids)))
    assert "constant" in str(propose_target(same, None, pd.Index(ids), 1))
    assert "too few" in str(propose_source(few, pd.Index(ids[:5])))
    assert "cannot be split" in str(propose_target(few, None, pd.Index(ids[:5]), 1))


@pytest.mark.parametrize("n_sources", range(1, 7))
def test_a_plan_has_about_twenty_runs(n_sources: int) -> None:
    plan = first_plan(n_sources)
    fixed = [phase for phase in plan.phases if "criterion" not in phase]
    runs = sum(int(str(phase["repeats"])) * (n_sources if phase["name"] == "single" else 3) for phase in fixed)
    assert (plan.budget is None) == (n_sources < 3)
    assert 5 <= runs + (plan.budget or 0) <= 24
