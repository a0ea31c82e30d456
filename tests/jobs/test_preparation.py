"""Preparation: what is missing or stale and no more, and the same whatever the machine."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.corpus import read_corpus, training_split
from jobs.fingerprints import fingerprint
from jobs.kept_representations import read_topics
from jobs.preparation import prepare
from jobs.prepared_data import open_corpus_arrays, open_labels, open_sound, read_prepared, sound_left_out
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import write_plan
from study.core.reading import read_study
from study.core.run import baseline_runs, make_run
from study.core.study_file import Study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from tests.test_bad_input import edit


def files(folder: Path) -> dict[Path, int]:
    return {
        path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != "prepared.json"
    }


def test_twice_does_nothing_the_second_time(small_study: Path) -> None:
    study, told = read_study(small_study), []
    first = prepare(study, workers=1)
    before = files(small_study / "prepared")
    second = prepare(study, told.append, workers=2)
    assert first == second == read_prepared(study)
    assert files(small_study / "prepared") == before
    assert told[0].startswith("corpus: 24 of 24 tracks, 22 for training, 2 for validation")
    assert len(told) == 2 and re.fullmatch(r"labels: information kept, pitch [\d.]+ %, tag [\d.]+ %", told[1])


@pytest.mark.parametrize("text", ["", "{}", "[1]"])
def test_a_damaged_record_is_told(small_study: Path, text: str) -> None:
    record = small_study / "prepared" / "prepared.json"
    record.parent.mkdir()
    record.write_text(text)
    with pytest.raises(InputFaults, match=r"damaged, truncated or .*; `study prepare` makes it again"):
        read_prepared(read_study(small_study))


def test_targets_of_the_same_sound_share_a_store(small_study: Path) -> None:
    prepared = prepare(read_study(small_study), workers=1)
    assert prepared.targets["timbre"].sound == prepared.targets["height"].sound
    assert len({target.fingerprint for target in prepared.targets.values()}) == 3


def test_distributions(small_study: Path) -> None:
    study = read_study(small_study)
    prepared = prepare(study, workers=1)
    arrays, store = open_corpus_arrays(study, prepared), open_sound(study, prepared.corpus_sound)
    assert list(store.track_ids) == sorted(pd.read_csv(small_study / "tracks.csv")["track_id"])
    assert arrays.training.sum() == 22 and arrays.mean.shape == (32,)
    for name, factors in (("pitch", 4), ("tag", 3)):
        labels = open_labels(study, prepared, name)
        assert labels.shape == (24, factors) and labels.dtype == np.float32
        np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-5)
    topics = read_topics(study, prepared)
    assert list(topics["topic"]) == [1, 2, 3] and set(topics["source"]) == {"tag"}
    assert {"high", "low", "sound"} <= set(", ".join(topics["terms"]).split(", "))


def test_a_changed_table_makes_its_labels_anew_and_no_other(small_study: Path) -> None:
    study = read_study(small_study)
    before = prepare(study, workers=1)
    table = pd.read_csv(small_study / "tags.csv")
    table.assign(weight=table["weight"] * (1 + table.index % 3)).to_csv(small_study / "tags.csv", index=False)
    after = prepare(study, workers=1)
    assert after.sources["tag"] != before.sources["tag"]
    assert {name: after.sources[name] for name in ("self", "pitch")} == {
        name: before.sources[name] for name in ("self", "pitch")
    }
    pitch, tag = (make_run(study, "single", 0, "SS-R", (name,)) for name in ("pitch", "tag"))
    assert after.fingerprint_of(pitch) == before.fingerprint_of(pitch)
    assert after.fingerprint_of(tag) != before.fingerprint_of(tag)
    assert after.targets == before.targets


def test_changed_sound_changes_what_hangs_on_it(small_study: Path) -> None:
    study = read_study(small_study)
    before = prepare(study, workers=1)
    (small_study / "sound" / "t00.wav").write_bytes((small_study / "sound" / "t02.wav").read_bytes())
    after = prepare(study, workers=1)
    assert after.corpus_fingerprint == before.corpus_fingerprint
    assert all(after.targets[name].fingerprint != before.targets[name].fingerprint for name in before.targets)


DYNAMICS = ("soft", "even", "loud", "roar")


def with_dynamics(folder: Path, source: str, values: tuple = DYNAMICS) -> Study:
    """The small study whose source `pitch` has four levels instead, in turn."""
    table = pd.read_csv(folder / "pitch.csv")
    table.assign(value=[values[row % 4] for row in range(len(table))]).to_csv(folder / "pitch.csv", index=False)
    edit(folder / "study.toml", 'labels = "gmm"\ntable = "pitch.csv"\nfactors = 4', source)
    return read_study(folder)


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ('labels = "classes"\ntable = "pitch.csv"', "100 %"),
        ('labels = "ordinal"\ntable = "pitch.csv"\norder = ["soft", "even", "loud", "roar"]', r"5[3-5]\.?\d* %"),
    ],
)
def test_levels_have_a_factor_each_and_what_they_keep_is_said(small_study: Path, source: str, kept: str) -> None:
    study, told = with_dynamics(small_study, source), []
    prepared = prepare(study, told.append, workers=1)
    labels = open_labels(study, prepared, "pitch")
    assert labels.shape == (24, 4) and not np.isnan(labels).any()
    assert any(re.search(f"information kept, pitch {kept}, tag", line) for line in told)
    assert not any("warning" in line for line in told)
    topics = read_topics(study, prepared)
    assert set(topics["source"]) == {"tag"}  # levels are no topics: the report's map and table leave them out


def test_labels_that_keep_hardly_anything_are_warned_of(small_study: Path) -> None:
    source = 'labels = "gmm"\ntable = "pitch.csv"\nfactors = 4\nresolution = 1.0'
    study, told = with_dynamics(small_study, source, (1, 2, 3, 4)), []
    prepare(study, told.append, workers=1)
    (warning,) = [line for line in told if line.startswith("warning")]
    assert "the labels of pitch keep" in warning and 'labels = "ordinal"' in warning


def first_fingerprint(study: Study) -> str:
    """Of the labels of `pitch`, as version 0.1 worked it out at first."""
    source = study.sources["pitch"]
    table_hash = hashlib.sha256(source.table.read_bytes()).hexdigest()
    return fingerprint(read_prepared(study).corpus_fingerprint, source.label_settings(), study.seed, table_hash)


def test_labels_of_an_earlier_version_are_made_anew_where_they_would_differ(small_study: Path) -> None:
    gmm = 'labels = "gmm"\ntable = "pitch.csv"\nfactors = '
    study = with_dynamics(small_study, gmm + "4", (1, 2, 3, 4))
    assert prepare(study, workers=1).sources["pitch"] != first_fingerprint(study)
    edit(small_study / "study.toml", gmm + "4", gmm + "3")
    fewer = read_study(small_study)
    assert prepare(fewer, workers=1).sources["pitch"] == first_fingerprint(fewer)


def test_a_wrong_number_of_levels_is_a_fault_before_any_sound_is_read(small_study: Path) -> None:
    study = with_dynamics(small_study, 'labels = "classes"\ntable = "pitch.csv"\nfactors = 5')
    with pytest.raises(InputFaults, match=r"factors = 5: expected 4, the number of levels of training tracks"):
        prepare(study, workers=1)
    assert not list((small_study / "prepared" / "sound").glob("*"))


def lose_labels(folder: Path) -> None:
    table = pd.read_csv(folder / "pitch.csv")
    table[~table["track_id"].isin(["c01", "c02", "c03"])].to_csv(folder / "pitch.csv", index=False)


def test_common_leaves_out_tracks_without_a_label(small_study: Path) -> None:
    lose_labels(small_study)
    told: list[str] = []
    study = read_study(small_study)
    prepared = prepare(study, told.append, workers=1)
    assert len(open_sound(study, prepared.corpus_sound)) == 21
    assert "source pitch: 3 tracks without a label are left out" in told


def test_any_keeps_them_for_the_other_sources(small_study: Path) -> None:
    lose_labels(small_study)
    edit(small_study / "study.toml", "channels = 1", 'channels = 1\nuse = "any"')
    study = read_study(small_study)
    prepared = prepare(study, workers=1)
    store = open_sound(study, prepared.corpus_sound)
    missing = np.isnan(open_labels(study, prepared, "pitch")).all(axis=1)
    assert list(store.track_ids[missing]) == ["c01", "c02", "c03"]
    assert not np.isnan(open_labels(study, prepared, "tag")).any()


def test_no_track_in_common(small_study: Path) -> None:
    table = pd.read_csv(small_study / "pitch.csv")
    table.assign(track_id="x" + table["track_id"]).to_csv(small_study / "pitch.csv", index=False)
    with pytest.raises(
        InputFaults, match=r"0 of 24 tracks have labels from every source \(24 have no pitch, 0 have no tag\)"
    ):
        prepare(read_study(small_study), workers=1)


def test_broken_sound_of_the_corpus_is_dropped_where_asked(small_study: Path) -> None:
    (small_study / "sound" / "c03.wav").write_bytes(b"not sound")
    edit(small_study / "study.toml", "channels = 1", 'channels = 1\non_broken = "drop"')
    told: list[str] = []
    study = read_study(small_study)
    prepared = prepare(study, told.append, workers=1)
    assert "c03" not in open_sound(study, prepared.corpus_sound).track_ids
    assert any("23 of 24 tracks" in line and "1 dropped" in line for line in told)
    assert open_labels(study, prepared, "pitch").shape == (23, 4)
    edit(small_study / "study.toml", 'on_broken = "drop"', 'on_broken = "stop"')
    with pytest.raises(InputFaults, match=r"c03\.wav"):  # although there is a store, without that track
        prepare(read_study(small_study), workers=1)


def test_broken_sound_of_a_target_always_stops(small_study: Path) -> None:
    (small_study / "sound" / "t03.wav").write_bytes(b"not sound")
    edit(small_study / "study.toml", "channels = 1", 'channels = 1\non_broken = "drop"')
    with pytest.raises(InputFaults, match=r"t03\.wav"):
        prepare(read_study(small_study), workers=1)


def split_of(study: Study) -> np.ndarray:
    return training_split(study, read_corpus(study).tracks)


def test_whole_artists_validate(small_study: Path) -> None:
    table = pd.read_csv(small_study / "tracks.csv")
    artists = [f"a{number // 2}" for number in range(len(table))]
    table.assign(artist=artists).to_csv(small_study / "tracks.csv", index=False)
    edit(small_study / "study.toml", "channels = 1", 'channels = 1\nsplit_by = "artist"\nvalidation = 0.25')
    training = split_of(read_study(small_study))
    by_artist = pd.Series(training).groupby(artists).nunique()
    assert (by_artist == 1).all() and (~training).sum() == 6


def test_one_target_is_told_to_be_too_few_for_the_models(small_study: Path) -> None:
    text = (small_study / "study.toml").read_text()
    (small_study / "study.toml").write_text(text[: text.index("[targets.height]")] + text[text.index("[baselines]") :])
    told: list[str] = []
    prepare(read_study(small_study), told.append, workers=1)
    assert any("needs two or more" in line for line in told)


def test_a_study_without_validation(small_study: Path) -> None:
    edit(small_study / "study.toml", "channels = 1", "channels = 1\nvalidation = 0")
    assert split_of(read_study(small_study)).all()


def test_a_crop_too_short_for_the_network(small_study: Path) -> None:
    edit(small_study / "study.toml", "crop_s = 0.5", "crop_s = 0.1")
    with pytest.raises(InputFaults, match=r'a crop has 13 frames, and \[training\] backbone = "base" needs 63'):
        read_study(small_study)


def test_a_factor_that_trains_nothing_is_told(small_study: Path) -> None:
    with (small_study / "study.toml").open("a") as file:
        file.write('[factors]\naugmentation = ["none", "pitch"]\n')
    with pytest.raises(InputFaults, match=r"\[factors\] augmentation .* can be designed and analysed but not launched"):
        prepare(read_study(small_study), workers=1)


def break_target_clips(folder: Path, on_broken: str) -> None:
    (folder / "sound" / "t03.wav").write_bytes(b"not sound")
    (folder / "sound" / "t08.wav").unlink()
    for name in ("timbre", "height", "heard"):
        edit(folder / "study.toml", f'tracks = "{name}.csv"', f'tracks = "{name}.csv"\non_broken = "{on_broken}"')


def test_broken_sound_of_a_target_is_dropped_where_asked_for_every_run_alike(small_study: Path) -> None:
    break_target_clips(small_study, "drop")
    study, told = read_study(small_study), []
    write_plan(Paths(study.store).plan, study, [], lambda run: None)
    mfcc, random, _ = baseline_runs(study)
    launch_study(study, LaunchOptions(in_process=True, runs=(mfcc.run_id, random.run_id)), told.append)
    prepared = read_prepared(study)
    assert "target timbre: 2 of 20 clips cannot be read and are left out" in told
    assert prepared.targets["timbre"].n_tracks == 18
    assert sound_left_out(study, prepared) == {"[targets.timbre]": 2, "[targets.height]": 2, "[targets.plays]": 2}
    for run in (mfcc, random):
        for name in ("timbre", "height"):
            rows = pd.read_parquet(Paths(study.store).target(run.run_id, name) / "predictions.parquet")
            assert len(rows) and not set(rows["track_id"]) & {"t03", "t08"}
        assert Paths(study.store).result(run.run_id, "plays", prepared.targets["plays"].fingerprint).is_file()
    file = small_study / "study.toml"
    file.write_text(file.read_text().replace('on_broken = "drop"', 'on_broken = "stop"'))
    with pytest.raises(InputFaults, match=r"t08\.wav"):
        prepare(read_study(small_study), workers=1)


def test_a_target_that_may_drop_and_need_not_keeps_its_fingerprint(small_study: Path) -> None:
    before = prepare(read_study(small_study), workers=1)
    for name in ("timbre", "height", "heard"):
        edit(small_study / "study.toml", f'tracks = "{name}.csv"', f'tracks = "{name}.csv"\non_broken = "drop"')
    assert prepare(read_study(small_study), workers=1) == before


def test_a_target_that_loses_a_class_stops(small_study: Path) -> None:
    break_target_clips(small_study, "drop")
    table = pd.read_csv(small_study / "timbre.csv")
    table.loc[table["track_id"].isin(["t03", "t08"]), "label"] = "rare"
    table.to_csv(small_study / "timbre.csv", index=False)
    with pytest.raises(InputFaults, match=r"timbre\.csv: label rare: none of its tracks has readable sound"):
        prepare(read_study(small_study), workers=1)


def test_a_target_that_the_study_no_longer_has_is_not_among_the_prepared(small_study: Path) -> None:
    prepare(read_study(small_study), workers=1)
    text = (small_study / "study.toml").read_text(encoding="utf-8")
    head, rest = text.split("[targets.plays]")
    (small_study / "study.toml").write_text(head + rest[rest.index("[baselines]") :], encoding="utf-8")
    study = read_study(small_study)
    assert set(read_prepared(study).targets) == {"timbre", "height"}
    assert design_study(study, "2")["runs"] > 0


def test_a_launch_that_finds_all_prepared_is_without_torch() -> None:
    """Half a gigabyte of memory and two seconds."""
    imports = "import sys, jobs.preparation, jobs.launch; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", imports], check=True)
