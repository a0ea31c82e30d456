"""`study new --from-audio` as a user types it: what it writes passes `study check`, and what it cannot use it says."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from study.core.reading import read_study
from tests.test_bad_input import study

LIBROSA = Path(__file__).parents[1] / "../shared/corpora/librosa"
FSDD = Path(__file__).parents[1] / "../shared/corpora/fsdd/recordings"


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """40 short clips of noise in two folders, by two microphones."""
    rng = np.random.default_rng(6)
    for number in range(40):
        path = tmp_path / "sounds" / ("left" if number % 2 else "right") / f"clip {number:03d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal((3000, 2 if number % 3 else 1)), 8000)
    return tmp_path / "sounds"


def test_a_table_of_labels(sounds: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Semicolons, ids by number, a gap, a broken file and a row too many."""
    (sounds / "left" / "clip 001.wav").write_bytes(b"RIFF")
    (sounds / "notes.txt").write_text("not sound")
    table = pd.DataFrame({"nr": range(41), "File": [f"clip {number:03d}" for number in range(41)]})
    table["Mood"] = np.where(table["nr"] % 4 < 2, "calm", "wild")
    table["BPM"] = np.linspace(60, 180, 41).round(1)
    table.loc[7, "BPM"] = np.nan
    table["tags"] = np.where(table["nr"] % 3 == 0, "loud,old", "old,slow")
    table["country"] = "NL"
    table.to_csv(tmp_path / "labels.csv", sep=";", index=False)
    status, out, err = study(capfd, "new", str(tmp_path / "Own Study"), "--from-audio", str(sounds),
                             "--labels", str(tmp_path / "labels.csv"))  # fmt: skip
    assert status == 0, err
    assert "column 'File' names 39 of 39 files, separated by ';'; 2 rows name no file" in err
    assert "broken, left out" in err and "left out: country: constant 'NL'" in err
    written = read_study(tmp_path / "Own Study")
    assert written.name == "own-study" and written.corpus.channels == 2 and written.corpus.sample_rate_hz == 8000
    kinds = {name: source.labels for name, source in written.sources.items()}
    assert kinds == {"self": "self", "mood": "classes", "bpm": "gmm", "tags": "plsa"}
    assert {name: target.task for name, target in written.targets.items()} == {
        "mood": "classification", "bpm": "regression",
    }  # fmt: skip
    learned = set(pd.read_csv(written.corpus.tracks)["track_id"])
    for target in written.targets.values():
        assert not learned & set(pd.read_csv(target.tracks)["track_id"])
    commands = [shlex.split(line)[1:] for line in out.splitlines()]
    assert [words[0] for words in commands] == ["check", "design", "launch", "analyze"]
    assert all(study(capfd, *words)[0] == 0 for words in commands[:2])


def test_sound_without_labels_lacks_a_target_and_nothing_else(
    sounds: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own"
    status, _, err = study(capfd, "new", str(own), "--from-audio", str(sounds))
    assert status == 0 and "--pattern '{parent}/{_}'" in err and "target.csv" in err
    status, _, err = study(capfd, "check", str(own))
    assert status == 2 and err.strip() == "study.toml: [targets]: missing"
    table = pd.read_csv(own / "tables" / "target.csv", dtype={"label": str})
    table["label"] = ["ab"[number % 2] for number in range(len(table))]
    table.to_csv(own / "tables" / "target.csv", index=False)
    text = (own / "study.toml").read_text()
    (own / "study.toml").write_text(text.replace("# [targets.mine]", "[targets.mine]")
                                    .replace("# task =", "task =").replace("# tracks =", "tracks ="))  # fmt: skip
    assert study(capfd, "check", str(own))[0] == 0


@pytest.mark.skipif(not LIBROSA.is_dir(), reason="librosa's recordings are not beside this checkout")
def test_librosas_recordings(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = study(capfd, "new", str(tmp_path / "own"), "--from-audio", str(LIBROSA))
    assert status == 0 and "OGG; 22050 Hz; mono" in err
    status, _, err = study(capfd, "check", str(tmp_path / "own"))
    assert status == 2 and err.strip() == "study.toml: [targets]: missing"


@pytest.mark.skipif(not FSDD.is_dir(), reason="the Free Spoken Digit Dataset is not beside this checkout")
def test_spoken_digits(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A tenth of them, linked: digits are grouped by speaker, and takes teach nothing."""
    (tmp_path / "digits").mkdir()
    for path in sorted(FSDD.glob("*_?.wav"))[::2]:
        (tmp_path / "digits" / path.name).symlink_to(path.resolve())
    status, _, err = study(capfd, "new", str(tmp_path / "own"), "--from-audio", str(tmp_path / "digits"),
                           "--pattern", "{digit}_{speaker}_{take}")  # fmt: skip
    assert status == 0 and "left out: take: a serial number" in err
    assert study(capfd, "check", str(tmp_path / "own"))[0] == 0
    digit = pd.read_csv(tmp_path / "own" / "tables" / "target-digit.csv")
    assert digit["group"].nunique() == 3 and not set(digit["group"]) & set(
        pd.read_csv(tmp_path / "own" / "tables" / "source-speaker.csv")["value"]
    )


def test_what_it_refuses(sounds: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def refused(*words: str) -> str:
        status, out, err = study(capfd, "new", *words)
        assert status == 2 and not out
        return err

    own = str(tmp_path / "own")
    assert "did you mean 'sounds'" in refused(own, "--from-audio", str(tmp_path / "sound"))
    assert "works only with --from-audio" in refused(own, "--pattern", "{a}")
    assert "no such file" in refused(own, "--from-audio", str(sounds), "--labels", str(tmp_path / "x.csv"))
    assert "matches none of 40 names" in refused(own, "--from-audio", str(sounds), "--pattern", "{a}_{b}")
    twice = pd.DataFrame({"file": [f"clip {number:03d}" for number in range(40)], "side": ["x", "y"] * 20})
    twice.to_csv(tmp_path / "twice.csv", index=False)
    err = refused(own, "--from-audio", str(sounds), "--labels", str(tmp_path / "twice.csv"), "--pattern", "{side}/{_}")
    assert "'side': is the name of 2 columns" in err
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    assert "it has: 1 .txt" in refused(own, "--from-audio", str(tmp_path / "texts"))
    for number in range(30):
        (sounds / ("left" if number % 2 else "right") / f"clip {number:03d}.wav").write_bytes(b"")
    err = refused(own, "--from-audio", str(sounds))
    assert "10 sound files can be read; expected 14 or more" in err
    assert not (tmp_path / "own").exists()
    assert study(capfd, "new", own)[0] == 0 and "already exists" in refused(own, "--from-audio", str(sounds))
