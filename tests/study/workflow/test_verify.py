"""`study verify`: what it lists, what it says to do, and its exit status."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import study
from jobs.prepared_data import read_prepared, sound_folder
from study.cli import run as run_command
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.study_file import Study
from study.workflow.verify import verify_study

RELEASE = Path(__file__).parents[2] / "fixtures" / "release-0.1" / "three-runs"


@pytest.fixture
def copy(run_study: Path, tmp_path: Path) -> Study:
    return read_study(shutil.copytree(run_study, tmp_path / "study"))


def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr("sys.argv", ["study", *words])
    status = 0
    try:
        run_command()
    except SystemExit as end:
        status = int(end.code or 0)
    return status, capfd.readouterr().out


def test_a_store_as_written(
    copy: Study, run_study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    status, out = command(monkeypatch, capfd, "verify", str(copy.store))
    assert status == 0 and "all as written" in out and "unverified" not in out
    status, out = command(monkeypatch, capfd, "verify", "--json", str(copy.store))
    facts = json.loads(out)
    assert status == 0 and facts["unverified"] == [] and facts["files"] > 90


def test_damage_is_listed_with_its_remedy(
    copy: Study, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    paths = Paths(copy.store)
    ids = [run.run_id for run in read_plan(paths.plan, copy)]
    paths.weights(ids[0]).write_bytes(b"")
    result = next((paths.results / ids[1]).iterdir())
    result.write_bytes(result.read_bytes()[:-50])
    (paths.prepared / "prepared.json").write_bytes(b"{")
    unreadable = paths.trained(ids[2])
    unreadable.unlink()
    unreadable.symlink_to(unreadable)  # the system refuses to open it, for root too
    status, out = command(monkeypatch, capfd, "verify", str(copy.store))
    assert status == 1
    for line in (
        f"damaged: runs/{ids[0]}/weights.safetensors: truncated or not what it should be; a launch that needs it sets",
        "damaged: prepared/prepared.json: truncated or not what it should be; `study prepare` makes it again",
        f"unreadable: {unreadable}: cannot be read",
    ):
        assert line in out
    study.open(copy.store).prepare()
    (found,) = (one for one in verify_study(copy)["damaged"] if one["file"].startswith("results"))
    assert found["remedy"].startswith("`study launch` sets it aside") and "; " not in found["problem"]


def test_inputs_that_are_others_by_now(copy: Study) -> None:
    sound = copy.store / "sound"
    shutil.copyfile(sound / "c06.wav", sound / "c05.wav")
    (copy.store / "tags.csv").write_text((copy.store / "tags.csv").read_text().replace("bright", "shiny"))
    timbre = (copy.store / "timbre.csv").read_text().replace(",bright", ",dull", 1)
    (copy.store / "timbre.csv").write_text(timbre)
    changed = {Path(one["file"]).name: one["remedy"] for one in verify_study(copy)["changed"]}
    assert set(changed) == {"c05.wav", "tags.csv", "timbre.csv"}
    assert "`launch` refuses runs" in changed["tags.csv"] and "scores every run" in changed["timbre.csv"]


def test_deep_reads_what_seems_unchanged(copy: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sound that rotted on its disk, in the middle of a part that no sample sees: nothing else tells."""
    from jobs.sound import content_hashes

    verify_study(copy)
    sound = copy.store / "sound" / "c05.wav"
    content = bytearray(sound.read_bytes())
    content[5000] ^= 4
    stamp, real = content_hashes._stamp, content_hashes._stamp(sound)
    sound.write_bytes(content)
    monkeypatch.setattr(content_hashes, "_stamp", lambda path: real if Path(path) == sound else stamp(path))
    assert verify_study(copy)["changed"] == []
    (found,) = verify_study(copy, deep=True)["changed"]
    assert found["file"] == str(sound)
    assert verify_study(copy)["changed"] == [found], "and the cache knows from now on"


def test_files_of_before_are_whole_and_unverified(tmp_path: Path) -> None:
    of_before = read_study(shutil.copytree(RELEASE, tmp_path / "release"))
    facts = verify_study(of_before)
    unverified = {Path(name).name for name in facts["unverified"]}
    assert {"plan.parquet", "prepared.json", "trained.json", "weights.safetensors"} <= unverified
    of_runs = [one for one in facts["damaged"] if one["file"].startswith(("runs", "results", "plan"))]
    assert {(Path(one["file"]).name, one["problem"]) for one in of_runs} == {("weights.safetensors", "missing")}, (
        "the fixture has the weights of some runs only"
    )


def test_from_python(copy: Study) -> None:
    found = study.open(copy.store).verify()
    assert found["damaged"] == [] and "all as written" in repr(found)
    frames = sound_folder(copy, read_prepared(copy).corpus_sound) / "frames.npy"
    content = bytearray(frames.read_bytes())
    content[-1] ^= 1
    frames.write_bytes(content)
    assert "the frames of c23 are not what was written" in repr(study.open(copy.store).verify())
