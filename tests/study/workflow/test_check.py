"""What `check` warns of: allowed, and hurting later. Exit status 0."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from design.generate import generate
from study.core.paths import Paths
from study.core.plan import read_plan, write_plan
from study.core.reading import read_study
from study.workflow.check import Checked, check_folder
from tests.test_bad_input import edit, study


def plan_on(folder: Path, n_sequential: int) -> None:
    """As `study design --append` plans, without its page."""
    given, path = read_study(folder), folder / "plan.parquet"
    kept = read_plan(path, given) if path.exists() else []
    write_plan(path, given, generate(given, n_sequential, kept), lambda run: None)


def warned(folder: Path) -> list[str]:
    """The warnings of a study without faults, as text."""
    found = check_folder(folder)
    assert found.faults == ()
    return list(map(str, found.cautions))


@pytest.fixture
def copy(run_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_study, tmp_path / "copy"))


def test_the_largest_class_is_what_a_study_without_mistakes_is_warned_of(small_study: Path) -> None:
    table = pd.read_csv(small_study / "timbre.csv")
    table.loc[:2, "label"] = ["dull", "dull", "dull"]
    table.to_csv(small_study / "timbre.csv", index=False)
    (only,) = warned(small_study)
    assert only.startswith("[targets.timbre]: the largest of 2 classes, dull, has 60 % of 20 tracks")
    assert only.endswith("accuracy of 0.60")


def test_warnings_leave_the_exit_status_and_are_in_the_json(
    small_study: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    status, out, err = study(capfd, "check", str(small_study))
    assert status == 0 and not out and "warning: [targets.timbre]: the largest of 2 classes" in err
    status, out, _ = study(capfd, "check", str(small_study), "--json")
    told = json.loads(out)
    assert status == 0 and told["ok"] and told["faults"] == []
    assert [set(one) for one in told["warnings"]] == [{"key", "message", "command"}]


@pytest.mark.parametrize(
    ("use", "then"), [("common", "are left out for every source"), ("any", "are not used to learn it")]
)
def test_tracks_without_a_label_by_source(small_study: Path, use: str, then: str) -> None:
    edit(small_study / "study.toml", "channels = 1", f'channels = 1\nuse = "{use}"')
    pitch, tags = pd.read_csv(small_study / "pitch.csv"), pd.read_csv(small_study / "tags.csv")
    pitch[pitch["track_id"] > "c02"].to_csv(small_study / "pitch.csv", index=False)
    tags[tags["track_id"] != "c07"].to_csv(small_study / "tags.csv", index=False)
    text = "\n".join(warned(small_study))
    assert f"[sources.pitch]: 3 of 24 tracks have no label and {then}" in text
    assert f"[sources.tag]: 1 of 24 tracks have no label and {then}" in text


def test_sound_that_drop_leaves_out(small_study: Path) -> None:
    for name in ("c03", "t03"):
        (small_study / "sound" / f"{name}.wav").write_bytes(b"RIFF, but not sound")
    edit(small_study / "study.toml", "channels = 1", 'channels = 1\non_broken = "drop"')
    edit(small_study / "study.toml", 'tracks = "timbre.csv"', 'tracks = "timbre.csv"\non_broken = "drop"')
    found = check_folder(small_study)
    assert {Path(fault.file).name for fault in found.faults} == {"t03.wav"}, "height and plays still stop at it"
    for table in ("height", "heard"):
        edit(small_study / "study.toml", f'tracks = "{table}.csv"', f'tracks = "{table}.csv"\non_broken = "drop"')
    text = "\n".join(warned(small_study))
    assert '[corpus] on_broken: "drop" leaves out 1 of 24 clips that cannot be read: c03 (' in text
    assert '[targets.timbre] on_broken: "drop" leaves out 1 of 20 clips that cannot be read: t03 (' in text
    assert "[targets.height] on_broken" in text and "[targets.plays] on_broken" in text


def test_a_class_that_drop_empties_is_a_fault(small_study: Path) -> None:
    table = pd.read_csv(small_study / "timbre.csv")
    table.loc[table["track_id"].isin(["t03", "t05"]), "label"] = "rare"
    table.to_csv(small_study / "timbre.csv", index=False)
    for name in ("timbre", "height", "heard"):
        edit(small_study / "study.toml", f'tracks = "{name}.csv"', f'tracks = "{name}.csv"\non_broken = "drop"')
    for name in ("t03", "t05"):
        (small_study / "sound" / f"{name}.wav").unlink()
    (fault,) = check_folder(small_study).faults
    assert (Path(fault.file).name, fault.key) == ("timbre.csv", "label rare") and "none of its tracks" in fault.expected


def test_a_target_of_the_corpus_own_files(small_study: Path) -> None:
    shutil.copy(small_study / "sound" / "c04.wav", small_study / "sound" / "t06.wav")
    leaks = [one for one in warned(small_study) if "clips of [corpus]" in one]
    assert len(leaks) == 3, "all three targets have this clip"
    assert "1 of 20 clips have the content of clips of [corpus] (t06 is c04)" in leaks[0]


def test_a_table_that_semicolons_separate_is_read_and_said(small_study: Path) -> None:
    path = small_study / "pitch.csv"
    path.write_text(path.read_text().replace(",", ";"))
    assert "[sources.pitch] table: pitch.csv is read as separated by semicolons" in warned(small_study)


def test_a_single_target(small_study: Path) -> None:
    text = (small_study / "study.toml").read_text()
    (small_study / "study.toml").write_text(text[: text.index("[targets.height]")] + text[text.index("[baselines]") :])
    assert any("[targets]: only one target" in one and "`study analyze` fits no model" in one
               for one in warned(small_study))  # fmt: skip


def test_a_source_and_levels_that_the_plan_lacks_and_the_command_that_adds_them(small_study: Path) -> None:
    file = small_study / "study.toml"
    edit(file, "[training]", '[factors]\nstrategy = ["SS-R", "MS-CR@2", "MSS-CR"]\nwidth = [0.125, 0.25]\n[training]')
    text = file.read_text().replace('["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]', '["MS-CR@2", "MSS-CR"]')
    file.write_text(text)
    plan_on(small_study, 3)
    assert not any("no run of" in one for one in warned(small_study))
    planned = pd.read_parquet(small_study / "plan.parquet")

    edit(file, "[sources.tag]", '[sources.height]\nlabels = "gmm"\ntable = "pitch.csv"\nfactors = 3\n[sources.tag]')
    edit(file, "width = [0.125, 0.25]", "width = [0.125, 0.25, 0.5]")
    lacking = [one for one in check_folder(small_study).cautions if "no run of" in one.message]
    assert [one.key for one in lacking] == ["[sources.height]", "[factors] width"]
    assert lacking[1].message == "no run of plan.parquet has 0.5"
    assert lacking[0].command == "study design --append --budget N, N above 3"

    plan_on(small_study, 9)
    after = pd.read_parquet(small_study / "plan.parquet")
    assert set(planned["run_id"]) <= set(after["run_id"]) and after["source.height"].any()
    assert (after["factor.width"] == 0.5).any() and not any("no run of" in one for one in warned(small_study))

    edit(file, "width = ", 'activation = ["relu", "elu"]\nwidth = ')
    (anew,) = [one for one in check_folder(small_study).cautions if one.key == "plan"]
    assert "[factors] activation" in anew.message and anew.command == "study design --budget N"


def test_tables_and_sound_that_changed_since_runs_were_trained(copy: Path) -> None:
    assert not any("changed since" in one for one in warned(copy))
    plan = pd.read_parquet(Paths(copy).plan)
    table = pd.read_csv(copy / "tags.csv")
    table.assign(weight=2.0).to_csv(copy / "tags.csv", index=False)
    (changed,) = [one for one in warned(copy) if "changed since" in one]
    n_runs = int(plan["source.tag"].sum())
    assert changed.startswith(f"[sources.tag] table: tags.csv: changed since {n_runs} trained runs learned from it")

    shutil.copy(copy / "sound" / "c01.wav", copy / "sound" / "c02.wav")
    of_sound, of_table = sorted(one for one in warned(copy) if "changed since" in one)
    assert of_sound.startswith(f"[corpus] tracks: the sound of c02: changed since {len(plan) + 3} trained runs")
    assert f"tags.csv: changed since {n_runs} trained runs" in of_table

    tracks = pd.read_csv(copy / "tracks.csv")
    tracks[tracks["track_id"] != "c05"].to_csv(copy / "tracks.csv", index=False)
    assert any("removed c05" in one for one in warned(copy))


def test_runs_that_do_not_say_what_they_were_trained_on(copy: Path) -> None:
    for path in Paths(copy).runs.glob("*/trained.json"):  # as earlier versions wrote them
        record = json.loads(path.read_text())
        del record["made_from"], record["digest"]
        path.write_text(json.dumps(record))
    assert not any("changed since" in one for one in warned(copy))
    path.write_text(json.dumps(record | {"data_fingerprint": "0" * 16}))
    (said,) = [one for one in warned(copy) if "changed since" in one]
    assert "did not record which part" in said and "1 trained run" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "small"', 'name = "Small!"'), ("sample_rate_hz = 8000", "sample_rate_hz = 8"),
        ("epochs = 1", "epochs = -1"), ("factors = 4", "factor = 4"), ('task = "regression"', 'task = "regresion"'),
        ('table = "pitch.csv"', 'table = "pich.csv"'), ('tracks = "tracks.csv"', 'tracks = "track.csv"'),
    ],
)  # fmt: skip
def test_a_fault_in_one_section_hides_none_of_the_tables_of_others(small_study: Path, old: str, new: str) -> None:
    edit(small_study / "study.toml", old, new)
    edit(small_study / "timbre.csv", "t03,sound/t03.wav,dull", "t03,sound/t03.wav,")
    edit(small_study / "tags.csv", "c00,", ",")
    files = {Path(fault.file).name for fault in check_folder(small_study).faults}
    assert files == {"study.toml", "timbre.csv", "tags.csv"}


def test_no_study(tmp_path: Path) -> None:
    found = check_folder(tmp_path)
    assert isinstance(found, Checked) and "no study.toml in this folder" in str(found.faults[0])
