"""Inputs that change after they were prepared: nothing is committed that was made from them, and they are named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from jobs.fine_tune_step import fine_tune_run
from jobs.preparation import prepare
from jobs.sound import mel_writing
from jobs.steps import Report, Step, execute
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.results import stored_results
from study.core.run import baseline_runs, make_run
from study.core.study_file import Study


@pytest.fixture
def study(small_study: Path) -> Study:
    study = read_study(small_study)
    prepare(study, workers=1)
    return study


def step(study: Study, kind: str, target: str, strategy: str = "SS-R") -> Report:
    run = baseline_runs(study)[0] if strategy == "MFCC" else make_run(study, "single", 0, strategy, ("self",))
    return execute(study, Step(kind, run, (target,)))


def edited(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the last column of its first three rows turned round."""
    last = table.columns[-1]
    table.loc[:2, last] = table.loc[2::-1, last].to_numpy() if last != "label" else ["dull", "dull", "bright"]
    return table


@pytest.mark.parametrize(("target", "table"), [("timbre", "timbre.csv"), ("plays", "plays.csv")])
def test_an_edited_table_is_not_scored(study: Study, small_study: Path, target: str, table: str) -> None:
    assert step(study, "learn", target).failure is None
    before = (small_study / table).read_bytes()
    edited(pd.read_csv(small_study / table)).to_csv(small_study / table, index=False)
    failure = step(study, "evaluate", target).failure
    assert failure is not None and table in failure.message and "changed since `study prepare`" in failure.message
    assert not list(stored_results(Paths(study.store)))
    (small_study / table).write_bytes(before)
    assert step(study, "evaluate", target).failure is None


def test_an_edited_table_is_scored_under_its_own_fingerprint_by_the_next_launch(
    study: Study, small_study: Path
) -> None:
    assert step(study, "learn", "timbre").failure is None and step(study, "evaluate", "timbre").failure is None
    edited(pd.read_csv(small_study / "timbre.csv")).to_csv(small_study / "timbre.csv", index=False)
    prepare(study, workers=1)
    assert step(study, "learn", "timbre").failure is None and step(study, "evaluate", "timbre").failure is None
    assert len({stored.fingerprint for stored in stored_results(Paths(study.store))}) == 2


def test_nothing_is_fine_tuned_to_an_edited_table(small_study: Path) -> None:
    study = read_study(small_study, ["factors.transfer=['frozen', 'fine-tune']"])
    prepare(study, workers=1)
    assert step(study, "learn", "timbre").failure is None
    edited(pd.read_csv(small_study / "timbre.csv")).to_csv(small_study / "timbre.csv", index=False)
    run = make_run(study, "single", 0, "SS-R", ("self",))
    with pytest.raises(InputFaults, match=r"timbre\.csv"):
        fine_tune_run(study, run, ("timbre",))


def test_sound_that_was_exchanged_has_no_mfccs(study: Study, small_study: Path) -> None:
    """Of the same length and modification time, as `cp -p` leaves it."""
    sound, other = small_study / "sound" / "t03.wav", small_study / "sound" / "t06.wav"
    before = small_study / "before.wav"
    shutil.copy2(sound, before)
    shutil.copy2(other, sound)
    failure = step(study, "learn", "timbre", "MFCC").failure
    assert failure is not None and "t03.wav" in failure.message and "changed since `study prepare`" in failure.message
    assert not list(Paths(study.store).runs.rglob("*.npy"))
    shutil.copy2(before, sound)
    assert step(study, "learn", "timbre", "MFCC").failure is None


def test_sound_that_changes_while_it_is_prepared(small_study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = mel_writing.read_sound

    def exchanged(path: str) -> object:
        if Path(path).name == "c05.wav":
            shutil.copyfile(small_study / "sound" / "c06.wav", path)
        return read(path)

    monkeypatch.setattr(mel_writing, "read_sound", exchanged)
    study = read_study(small_study)
    with pytest.raises(InputFaults, match=r"c05.wav: changed while it was read"):
        prepare(study, workers=1)
    monkeypatch.undo()
    prepare(study, workers=1)
