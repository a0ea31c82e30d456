"""What version 0.1.0 left behind is read by this one: its plans, results, weights and records."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.workflow.analysis import analyze_tables, own_results
from study.workflow.status import study_status

RELEASES = sorted((Path(__file__).parent / "fixtures").glob("release-*"))


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(request.param, tmp_path / "release"))


def test_the_plans_are_of_these_study_files(release: Path) -> None:
    for folder, n_runs in (("three-runs", 3), ("demo", 24)):
        study = read_study(release / folder)
        assert len(read_plan(Paths(study.store).plan, study)) == n_runs


def test_the_store_is_whole(release: Path) -> None:
    study = read_study(release / "three-runs")
    found = study_status(study)
    assert (found["done"], found["planned"], found["scores_done"]) == (6, 6, 12)
    assert found["other_version"] == []
    rows = own_results(study)
    assert len(rows) == 24 and rows["outcome"].eq("ok").all()


def test_the_demo_is_fitted_as_before(release: Path, tmp_path: Path) -> None:
    folder = release / "demo"
    before = json.loads((folder / "report" / "fit.json").read_text())
    analyze_tables(folder, [folder / "results.parquet"]).write_report(tmp_path / "report")
    after = json.loads((tmp_path / "report" / "fit.json").read_text())
    assert set(before["models"]) | {"paper_strategy", "paper_size"} == set(after["models"])
    for name, model in before["models"].items():
        now = f"paper_{name}" if name in ("strategy", "size") else name
        fixed, again = (pd.DataFrame(of).set_index("term") for of in (model["fixed"], after["models"][now]["fixed"]))
        numbers = ["estimate", "se", "df", "p", "ci_low", "ci_high"]
        # the likelihood has been written as sums of squares since, which moved a df by 7e-8 of itself
        pd.testing.assert_frame_equal(fixed[numbers].astype(float), again[numbers].astype(float), rtol=1e-7)
        assert model["criterion"] == pytest.approx(after["models"][now]["criterion"], rel=1e-9)
    assert before["variance_components"].keys() == after["variance_components"].keys()


def test_weights_of_before_represent_sound(release: Path, tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    import numpy as np

    from study.workflow.embed import embed_files

    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    soundfile.write(tmp_path / "tone.wav", tone, 8000)
    (weights,) = release.glob("three-runs/runs/*/weights.safetensors")
    embed_files(str(weights), [tmp_path / "tone.wav"], tmp_path / "vectors.parquet")
    vectors = pd.read_parquet(tmp_path / "vectors.parquet")
    assert len(vectors) == 1 and np.isfinite(vectors.select_dtypes("number")).all(axis=None)
