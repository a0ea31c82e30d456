"""docs/extend.md: its package is built, installed and tested, and a study uses its parts from check to scores."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import study.extend
import study.testing
from jobs.learning.representation import load_network
from study.core.extensions import GROUPS
from study.core.paths import Paths
from study.core.reading import read_study
from study.workflow.analysis import own_results
from tests.own_package import install, write_wheel
from tests.small_study import STUDY
from tests.test_bad_input import study as run_command

PAGE = (Path(__file__).parents[1] / "docs" / "extend.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
PROJECT = tomllib.loads(next(re.finditer(r"```toml\n(.*?)```", PAGE, re.DOTALL))[1])["project"]
TESTS = [name for name in BLOCKS if name.startswith("tests/")]
MODULES = {name: block for name, block in BLOCKS.items() if name.startswith("soundlab/")}
ENTRY_POINTS: dict[str, dict[str, str]] = PROJECT["entry-points"]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the page's package is installed."""
    folder = tmp_path_factory.mktemp("soundlab")
    files = {"soundlab/__init__.py": "", **MODULES}
    return install(write_wheel(folder, files, ENTRY_POINTS, PROJECT["name"], PROJECT["version"]), folder / "site")


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    for name in [name for name in sys.modules if name.split(".")[0] == "soundlab"]:
        monkeypatch.delitem(sys.modules, name)


def test_examples_are_short_and_import_from_one_place() -> None:
    assert set(ENTRY_POINTS) <= set(GROUPS)
    for name, block in BLOCKS.items():
        assert len(block.splitlines()) < 60, name
        imported = set(re.findall(r"^(?:from|import) (\S+)", block, re.MULTILINE))
        ours = {module for module in imported if module.split(".")[0] in ("study", "jobs", "design", "analysis")}
        assert ours <= {"study.extend", "study.testing"}, name
    for points in ENTRY_POINTS.values():
        assert {point.split(":")[0].replace(".", "/") + ".py" for point in points.values()} <= set(MODULES)


@pytest.mark.parametrize("module", [study.extend, study.testing])
def test_every_name_is_there(module) -> None:
    assert all(getattr(module, name) is not None for name in module.__all__)
    assert sorted(dir(module)) == sorted(module.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Objektive'"):
        module.Objektive  # noqa: B018


def test_the_pages_tests_pass(site: Path, tmp_path: Path) -> None:
    for name in TESTS:
        (tmp_path / Path(name).name).write_text(BLOCKS[name], encoding="utf-8")
    path = os.pathsep.join([str(site), str(Path(__file__).parents[1])])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\d\d passed", done.stdout) and "skipped" not in done.stdout


@pytest.fixture
def small(small_study: Path) -> Path:
    """The small study with the page's labels and objectives."""
    rng = np.random.default_rng(1)
    tracks = list(pd.read_csv(small_study / "tracks.csv")["track_id"])
    hours = pd.DataFrame({"track_id": tracks, "value": rng.uniform(0, 360, len(tracks))})
    hours.to_csv(small_study / "hours.csv", index=False)
    lines = [" ".join(rng.permutation(tracks[number % 3 :: 3])) for number in range(9)]
    (small_study / "playlists.txt").write_text("\n".join(lines), encoding="utf-8")
    sources = """[sources.hour]
labels = "circle"
table = "hours.csv"
factors = 4
objective = "absolute"
[sources.mood]
labels = "playlists"
path = "playlists.txt"
factors = 3
"""
    text = STUDY[: STUDY.index("[sources.self]")] + sources + STUDY[STUDY.index("[training]") :]
    moods = pd.read_csv(small_study / "heard.csv")
    moods.assign(label=["dark calm", "calm odd", "odd", "dark"] * 5).to_csv(small_study / "moods.csv", index=False)
    targets = '[targets.moods]\ntask = "several"\ntracks = "moods.csv"\nmetrics = ["map"]\nrepeats = 2\n'
    baselines = '[baselines]\nmfcc = false\nrandom = 0\nown = ["levels"]\n'
    text = text[: text.index("[targets.height]")] + targets + baselines
    (small_study / "study.toml").write_text(text, encoding="utf-8")
    return small_study


def test_a_study_of_all_parts(small: Path, installed: None, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = run_command(capfd, "check", str(small))
    assert status == 0 and "soundlab" not in sys.modules, err
    for group, points in ENTRY_POINTS.items():
        for name in points:
            assert f"installed: {GROUPS[group]} {name!r} of soundlab 1.0" in err
    assert "[sources.mood] labels: only the kind of labels 'playlists' of soundlab 1.0 can read" in err
    assert "[targets.moods] task: only the task of targets 'several' of soundlab 1.0 can read" in err
    assert run_command(capfd, "design", str(small))[0] == 0
    assert "soundlab" not in sys.modules
    status, _, err = run_command(capfd, "launch", str(small), "--in-process")
    assert status == 0, err
    of = read_study(small)
    plan = pd.read_parquet(Paths(of.store).plan)
    both = plan[plan["n_sources"] == 2]["run_id"].iloc[0]
    network = load_network(Paths(of.store).weights(both))[0]
    assert network.objectives == {"hour": "absolute", "mood": "kl"}
    assert network.source_factors == {"hour": 4, "mood": 3}
    rows = own_results(of)
    scores = rows[rows["metric"] == "map"]
    assert set(scores["target"]) == {"moods"} and scores["score"].between(0, 1).all()
    (levels,) = rows[rows["strategy"] == "levels"]["run_id"].unique()
    assert set(rows[rows["run_id"] == levels]["target"]) == {"timbre", "moods"}
    assert set(rows[rows["run_id"] == levels]["representation_dim"]) == {32}
    assert run_command(capfd, "status", str(small))[1].startswith("small: 8 of 8 runs (7 + 1 baselines) done")


def test_without_the_package_its_names_are_faults(small: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = run_command(capfd, "check", str(small))
    assert status == 2 and "[sources.hour] labels = 'circle': expected 'self', 'gmm', " in err
    assert "[targets.moods] task = 'several': expected 'classification', 'regression'" in err
    assert "[baselines] own = 'levels': " in err


def test_a_new_version_of_the_package_makes_labels_anew(
    small: Path, installed: None, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "labels: mood" in run_command(capfd, "prepare", str(small))[2]
    assert "labels: mood" not in run_command(capfd, "prepare", str(small))[2]
    files = {"soundlab/__init__.py": "", **MODULES}
    newer = install(write_wheel(tmp_path, files, ENTRY_POINTS, PROJECT["name"], "1.1"), tmp_path / "site")
    monkeypatch.syspath_prepend(str(newer))
    assert "labels: mood" in run_command(capfd, "prepare", str(small))[2]


def test_a_baseline_of_a_package_is_one_in_the_analysis(run_study: Path, tmp_path: Path) -> None:
    rows = study.open(run_study).results()
    rows = rows[rows["metric"] != "ndcg@10_heldout"]
    own = rows[rows["strategy"] == "MFCC"].assign(strategy="levels", run_id="f" * 16)
    analysis = study.analyze(pd.concat([rows, own], ignore_index=True))
    assert set(analysis.table.baselines["strategy"]) == {"MFCC", "Random", "levels"}
    page = analysis.write_report(tmp_path / "report").read_text(encoding="utf-8")
    assert "levels" in page
    unknown = own.assign(phase="all")
    with pytest.raises(study.InputFaults, match="strategy = 'levels': unknown"):
        study.analyze(pd.concat([rows, unknown], ignore_index=True))
