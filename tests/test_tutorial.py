"""The tutorial's commands, typed in its order, on recordings that are made here: nested, tagged MP3s."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from study.core.paths import Paths
from study.core.reading import read_study
from study.core.valid_results import read_results
from tests.own_recordings import write_recordings
from tests.test_bad_input import study
from tests.test_docs import page, shell_lines


@pytest.mark.usefixtures("unrendered")
def test_from_a_folder_of_recordings_to_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("study.workflow.plan.N_SIMULATIONS", 5)
    write_recordings(tmp_path / "recordings")
    said = {}
    for words in map(shlex.split, shell_lines(page("tutorial.md"))):
        if words[0] == "$EDITOR":
            shorten(tmp_path / words[1])
            continue
        assert words[0] == "study"
        in_process = ["--in-process"] if words[1] == "launch" else []  # Ray takes longer to start than all the rest
        status, out, err = study(capfd, *words[1:], *in_process)
        assert status == 0, (words, err)
        said[words[1]] = out + err
    for line in re.findall(r"^(?:source|target) \w+ \(.*|^left out: .*", page("tutorial.md"), re.MULTILINE):
        assert line in said["new"], "the tutorial shows what is printed"
    assert "study design mystudy --budget 12" in said["new"]
    rows, faults = read_results(Paths(read_study(tmp_path / "mystudy").store))
    assert not faults and set(rows["outcome"]) == {"ok"} and set(rows["target"]) == {"instrument", "pitch", "dynamics"}
    trained = ~rows["strategy"].isin(["MFCC", "Random"])
    assert rows[trained]["run_id"].nunique() == 4 + 12
    means = pd.DataFrame({name: of.groupby("target")["score"].mean() for name, of in
                          (("trained", rows[trained]), ("Random", rows[rows["strategy"] == "Random"]))})  # fmt: skip
    assert (means["trained"] > means["Random"] + 0.1).any(), means
    assert (tmp_path / "mystudy" / "report" / "index.html").is_file()


def shorten(path: Path) -> None:
    """What a user in a hurry changes, so that the test takes seconds."""
    text = path.read_text(encoding="utf-8")
    shorter = (
        (r"epochs = \d+ .*", "epochs = 4", 1),
        ("repeats = 2", "repeats = 1", 1),
        ("repeats = 3", "repeats = 2", 3),
    )
    for line, instead, expected in shorter:
        text, count = re.subn(f"(?m)^{line}$", instead, text)
        assert count == expected, line
    path.write_text(text + "\n[baselines]\nrandom = 1\n", encoding="utf-8")
