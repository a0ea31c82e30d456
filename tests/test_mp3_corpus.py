"""A folder of MP3s as people have them, without a header and tagged, through `study check`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.sound.decode import EXPECTED
from tests.jobs.sound.mp3_files import ape, encoded, frame_starts, id3v1, id3v2, lyrics3, without_header
from tests.test_bad_input import study

N_TRACKS = 500
STUDY = """schema = 1
[study]
name = "mp3"
seed = 1
[corpus]
tracks = "tracks.csv"
sample_rate_hz = 22050
channels = 1
[sources.self]
labels = "self"
[targets.form]
task = "classification"
tracks = "form.csv"
[[design.phase]]
name = "single"
n_sources = [1]
strategy = ["SS-R"]
"""


def write_corpus(folder: Path, n_cut_bytes: int = 0) -> None:
    """Four sounds, each ended at 125 different frames, which makes 500 whole ones; each with tags of other lengths."""
    rng = np.random.default_rng(0)
    forms = [(44100, 2, "VARIABLE"), (44100, 1, "CONSTANT"), (22050, 1, "VARIABLE"), (8000, 2, "CONSTANT")]
    sounds = [without_header(encoded(*form)) for form in forms]
    rows = []
    for number in range(N_TRACKS):
        sound = sounds[number % 4]
        starts = frame_starts(sound)[10:]
        mp3 = sound[: starts[number // 4 % len(starts)] - n_cut_bytes]
        size = int(rng.uniform(0, 2) * len(mp3))
        end = [b"", id3v1(), ape(size // 2), lyrics3(200) + id3v1()][number // 4 % 4]
        (folder / f"{number}.mp3").write_bytes((id3v2(size) if number % 3 else b"") + mp3 + end)
        rows.append((f"t{number}", f"{number}.mp3", "abcd"[number % 4]))
    tracks = pd.DataFrame(rows, columns=["track_id", "path", "label"])
    tracks[:480].drop(columns="label").to_csv(folder / "tracks.csv", index=False)
    tracks[480:].to_csv(folder / "form.csv", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")


def test_whole_mp3s_pass_and_cut_ones_are_listed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path)
    status, _, err = study(capfd, "check", str(tmp_path))
    assert status == 0, err

    write_corpus(tmp_path, n_cut_bytes=5)
    (tmp_path / "0.mp3").write_bytes(b"")
    status, _, err = study(capfd, "check", str(tmp_path))
    *lines, last = [line for line in err.splitlines() if not line.startswith("warning: ")]
    assert status == 2
    assert lines[0] == f"{tmp_path}/0.mp3: sound = 'is empty, a file of 0 bytes': {EXPECTED}"
    assert lines[-1] == "494 more: sound: ends within a frame, after ... whole ones" and len(lines) == 7
    assert last == f"all 500 faults are listed in {tmp_path / 'faults.csv'}"
    assert {Path(name).stem for name in pd.read_csv(tmp_path / "faults.csv")["file"]} == set(map(str, range(N_TRACKS)))
    _, out, _ = study(capfd, "check", str(tmp_path), "--json")
    assert len(json.loads(out)["faults"]) == N_TRACKS


def test_prepare_and_launch_list_faults_in_part_too(
    run_study: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(run_study, tmp_path / "copy"))
    for path in sorted(folder.glob("sound/c*.wav"))[:9]:
        path.write_bytes(b"RIFF, but no sound")
    for command in (["prepare"], ["launch", "--in-process"]):
        (folder / "faults.csv").unlink(missing_ok=True)
        status, _, err = study(capfd, command[0], str(folder), *command[1:])
        assert status == 2 and "4 more: sound: " in err
        assert err.splitlines()[-1] == f"all 9 faults are listed in {folder / 'faults.csv'}"
        assert len(pd.read_csv(folder / "faults.csv")) == 9


def test_a_pipe_is_not_waited_for(small_study: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (small_study / "sound" / "c03.wav").unlink()
    os.mkfifo(small_study / "sound" / "c03.wav")
    for command in ("check", "prepare"):
        status, _, err = study(capfd, command, str(small_study))
        assert status == 2 and "c03.wav: sound = 'not a regular file'" in err
