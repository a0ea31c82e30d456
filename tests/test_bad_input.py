"""Bad input as a user meets it: one clear error, exit status 2, no traceback, nothing lost."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from study.cli import run
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.results import stored_results
from study.workflow.analysis import own_results


def study(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    argv, sys.argv = sys.argv, ["study", *words]
    try:
        with pytest.raises(SystemExit) as left:
            run()
    finally:
        sys.argv = argv
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    return int(left.value.code or 0), out, err


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def misspell_key(folder: Path) -> None:
    edit(folder / "study.toml", "epochs = 1", "epoch = 1")


def misspell_strategy(folder: Path) -> None:
    edit(folder / "study.toml", 'strategy = ["SS-R"]', 'strategy = ["SSR"]')


def negate_epochs(folder: Path) -> None:
    edit(folder / "study.toml", "epochs = 1", "epochs = -1")


def remove_table(folder: Path) -> None:
    (folder / "tags.csv").rename(folder / "tag.csv")


def remove_label(folder: Path) -> None:
    edit(folder / "timbre.csv", "t03,sound/t03.wav,dull", "t03,sound/t03.wav,")


def break_sounds(folder: Path) -> None:
    for name in ("c03", "t05"):
        (folder / "sound" / f"{name}.wav").write_bytes(b"RIFF, but not sound")


def remove_sound(folder: Path) -> None:
    (folder / "sound" / "c03.wav").unlink()


def keep_one_class(folder: Path) -> None:
    table = pd.read_csv(folder / "timbre.csv")
    table.assign(label="dull").to_csv(folder / "timbre.csv", index=False)


def ask_for_too_many_factors(folder: Path) -> None:
    edit(folder / "study.toml", "factors = 4", "factors = 40")
    edit(folder / "study.toml", "factors = 3", "factors = 30")


def validate_by_one_artist(folder: Path) -> None:
    table = pd.read_csv(folder / "tracks.csv")
    table.assign(artist="only").to_csv(folder / "tracks.csv", index=False)
    edit(folder / "study.toml", "channels = 1", 'channels = 1\nsplit_by = "artist"')


def empty_tracks(folder: Path) -> None:
    (folder / "tracks.csv").write_text("track_id,path\n", encoding="utf-8")


def empty_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


FAULTS = {
    misspell_key: ["study.toml: [training] epoch = 1: unknown key", "did you mean 'epochs'?"],
    misspell_strategy: ["[[design.phase]] 1 (single) strategy = 'SSR'", "did you mean 'SS-R'?"],
    negate_epochs: ["study.toml: [training] epochs = -1: expected greater than or equal to 1"],
    remove_table: ["study.toml: [sources.tag] table", "no such file; did you mean 'tag.csv'?"],
    remove_label: ["timbre.csv", "row 4 label", "expected a label"],
    break_sounds: ["c03.wav", "t05.wav", "expected a sound file that decodes"],
    remove_sound: ["c03.wav", "no such file"],
    keep_one_class: ["timbre.csv", "expected two classes or more"],
    ask_for_too_many_factors: ["pitch.csv", "factors = 40: expected at most", "tags.csv", "factors = 30"],
    validate_by_one_artist: ["[corpus] validation = 0.1: cannot split 1 artists"],
    empty_tracks: ["tracks.csv", "the table has no rows"],
    empty_folder: ["no study.toml in this folder; `study new DIR --template demo` writes one"],
}


@pytest.mark.parametrize("damage", FAULTS, ids=lambda damage: damage.__name__)
def test_check_and_prepare_tell_it(small_study: Path, capfd: pytest.CaptureFixture[str], damage) -> None:
    damage(small_study)
    for command in ("check", "prepare"):
        status, out, err = study(capfd, command, str(small_study))
        assert status == 2 and not out
        assert all(part in err for part in FAULTS[damage]), err
    assert not list(small_study.glob("prepared/sound/*/frames.npy")) or damage is break_sounds


def test_everything_that_is_wrong_is_told_at_once(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for damage in (remove_table, remove_label, break_sounds):
        damage(small_study)
    status, out, _ = study(capfd, "check", str(small_study), "--json")
    told = json.loads(out)
    assert status == 2 and not told["ok"]
    files = {Path(fault["file"]).name for fault in told["faults"]}
    assert {"study.toml", "timbre.csv"} <= files
    assert all(set(fault) == {"file", "key", "value", "expected", "nearest"} for fault in told["faults"])


def test_check_finds_no_fault(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert study(capfd, "check", str(small_study))[0] == 0
    status, out, _ = study(capfd, "check", str(small_study), "--json")
    told = json.loads(out)
    assert status == 0 and told["ok"] and told["faults"] == told["proposals"] == []
    assert told["cost"]["unit"] == "CPU-hours" and 0 < told["cost"]["least"] < told["cost"]["most"]


def test_no_plan(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = study(capfd, "launch", str(small_study), "--in-process")
    assert status == 2 and "no plan yet; `study design --budget N` makes one" in err


def test_plan_of_another_study(run_study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = Path(shutil.copytree(run_study, tmp_path / "copy"))
    edit(folder / "study.toml", "seed = 5", "seed = 6")
    for command in ("launch", "status", "analyze"):
        status, _, err = study(capfd, command, str(folder))
        assert status == 2 and "plan.parquet: position 0 run_id" in err and "made with [study] seed = 5 (now 6)" in err


def test_truncated_result(run_study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = Path(shutil.copytree(run_study, tmp_path / "copy"))
    stored = next(stored_results(Paths(folder)))
    path = stored.path
    path.write_bytes(path.read_bytes()[:100])
    lines: list[str] = []
    rows = own_results(read_study(folder), lines.append)
    assert len(rows) and not ((rows["run_id"] == stored.run_id) & (rows["target"] == stored.target)).any()
    assert any(f"{path.name}: truncated or not Parquet" in line for line in lines)
    status, _, err = study(capfd, "launch", str(folder), "--in-process")
    assert (
        status == 0 and f"{path.name}: truncated" in err and "18 of 18 runs done" in err and "17 done, 1 to go" in err
    )
    assert path.is_file()


def test_rows_of_random_from_before_it_had_levels_are_read_with_them(
    run_study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(run_study, tmp_path / "copy"))
    with (folder / "study.toml").open("a") as file:
        file.write("[factors]\nwidth = [0.125, 0.25]\n")
    study(capfd, "design", str(folder), "--budget", "2", "--replace")
    rows = own_results(read_study(folder))
    assert set(rows["factor.width"][rows["strategy"] == "Random"]) == {0.125}
    assert rows["factor.width"][rows["strategy"] == "MFCC"].isna().all()


def test_nothing_to_analyze(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study(capfd, "design", str(small_study), "--budget", "2")
    status, _, err = study(capfd, "analyze", str(small_study))
    assert status == 2 and "no results yet; run `study launch`" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["design", "--budget", "many"], "--budget = 'many': expected 40, 3cpuh, 400gpuh or 5d"),
        (["design", "--budget", "0gpuh"], "runs of factorial phases and finished runs need"),
        (["design", "--budget", "9", "--start", "plays.csv"], "plays.csv"),
        (["design", "--budget", "9999"], "possible runs"),
        (["launch", "--in-process", "--stop-after", "soon"], "--stop-after = 'soon': expected a time such as"),
        (["launch", "--in-process", "--address", "auto"], "--address = 'auto': cannot be combined with --in-process"),
        (["new", "--template", "demmo"], "did you mean 'demo'?"),
        (["launhc"], "No such command"),
        (["analyze", "--results", "nothing.csv"], "nothing.csv"),
        (["analyze", "--out", "/dev/null"], "--out = '/dev/null': is a file; expected a folder"),
    ],
)
def test_bad_usage(small_study: Path, capfd: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    status, _, err = study(capfd, words[0], str(small_study), *words[1:])
    assert status == 2 and told in err, err


def test_a_table_from_elsewhere_is_told_by_its_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("run_id,target,stratgy,score\na,x,SS-R,0.5\n")
    status, _, err = study(capfd, "analyze", str(tmp_path), "--results", str(table))
    assert status == 2 and f"{table}: strategy: no such column" in err and "did you mean 'stratgy'?" in err
    status, _, err = study(capfd, "analyze", str(tmp_path), "--results", str(tmp_path / "score.csv"))
    assert status == 2 and "score.csv: no such file; did you mean 'scores.csv'?" in err
    status, _, err = study(capfd, "analyze", str(tmp_path), "--results", str(table), "--formula", "")
    assert status == 2 and "--formula = '': expected a formula" in err


def test_new_does_not_overwrite(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = study(capfd, "new", str(small_study), "--template", "minimal")
    assert status == 2 and "already exists" in err
    status, _, err = study(capfd, "new", str(small_study / "tracks.csv" / "x"), "--template", "minimal")
    assert status == 2 and "tracks.csv/x: cannot be created: Not a directory" in err


def test_unknown_run(run_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = study(capfd, "launch", str(run_study), "--in-process", "--runs", "0123")
    assert status == 2 and "--runs = '0123': not a planned run" in err
