"""Learners of a package and a frozen external encoder as levels of a factor: from the study file to the models."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.kept_representations import read_representation
from jobs.prepared_data import read_prepared
from jobs.records import read_trained
from jobs.steps import Step, execute
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.results import KEY
from study.core.study_file import Study
from study.core.valid_results import read_results
from study.workflow.analysis import analyze_study
from study.workflow.check import check_folder
from study.workflow.embed import weights_in_study
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.plan import design_study
from study.workflow.verify import verify_study
from tests.own_package import import_from, unpack, write_wheel
from tests.small_study import STUDY
from tests.test_bad_input import edit

PAGE = (Path(__file__).parents[1] / "docs" / "extend.md").read_text(encoding="utf-8")
(SPECTRUM,) = re.findall(r"```python\n# soundlab/spectrum.py\n(.*?)```", PAGE, re.DOTALL)
AXES = '''
"""Principal axes of the mean bands of the corpus: learned once, and kept in the run's folder."""
import numpy as np
import torch
from study.extend import Learned, Learner

def learn(context, d):
    kept = context.folder / "axes.npy"
    if not kept.exists():
        with (context.folder / "calls").open("a") as calls:
            calls.write("learned\\n")
        frames, store = context.store.frames, context.store
        ends = np.cumsum(store.n_frames)
        bands = np.stack([frames[end - n : end].mean(axis=(0, 1)) for end, n in zip(ends, store.n_frames)])
        np.save(kept, np.linalg.svd(bands - bands.mean(axis=0), full_matrices=False)[2][:d].T)
    axes = torch.from_numpy(np.load(kept)).float()
    return Learned(of_crops=lambda crops: crops.mean(dim=(1, 2)) @ axes, dimensions=d, n_parameters=axes.numel())

LEARNER = Learner(learn)
'''
POINTS = {"study.learners": {"spectrum": "soundlab.spectrum:LEARNER", "axes": "soundlab.axes:LEARNER"}}
SECTIONS = """
[factors]
strategy = ["SS-R"]
learner = ["base", "spectrum", "axes"]
d = [2, 3]
transfer = ["frozen", "fine-tune"]
[fine_tuning]
epochs = 1
batch_size = 8
[learners.spectrum]
weights = "matrix.npy"
settings = { exponent = 0.5 }
[learners.axes]
settings = { d = 2 }
[[design.constraint]]
when = { learner = ["base", "spectrum"] }
require = { d = 2 }
[[design.phase]]
name = "single"
n_sources = [1]
repeats = 2
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("soundlab")
    files = {"soundlab/__init__.py": "", "soundlab/spectrum.py": SPECTRUM, "soundlab/axes.py": AXES}
    return unpack(write_wheel(folder, files, POINTS, "soundlab", "1.0"), folder / "site")


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_from(site, monkeypatch)


@pytest.fixture
def folder(small_study: Path, installed: None) -> Path:
    """A study of one source, its factors a learner and a setting of one of the learners."""
    text = (
        STUDY[: STUDY.index("[sources.self]")] + STUDY[STUDY.index("[sources.tag]") : STUDY.index("[[design.phase]]")]
    )
    (small_study / "study.toml").write_text(text.replace("random = 2", "random = 1") + SECTIONS, encoding="utf-8")
    np.save(small_study / "matrix.npy", np.random.default_rng(1).normal(size=(513, 6)))
    return small_study


def finished(folder: Path, *overrides: str) -> Study:
    study = read_study(folder, overrides)
    if not Paths(study.store).plan.exists():
        design_study(study, None)
    launch_study(study, LaunchOptions(in_process=True))
    return study


def rows_of(study: Study) -> pd.DataFrame:
    found, faults = read_results(Paths(study.store))
    key = [*KEY, "factor.transfer"]
    assert not faults and not found.duplicated(key).any()
    return found.sort_values(key, ignore_index=True)


def of_learner(study: Study, name: str):
    return [run for run in read_plan(Paths(study.store).plan, study) if run.factors["learner"] == name]


def test_from_the_file_to_the_models(folder: Path) -> None:
    assert check_folder(folder).faults == ()
    study = finished(folder)
    rows = rows_of(study)
    counts = rows.drop_duplicates("run_id").groupby(["factor.learner", "factor.d"]).size().to_dict()
    assert counts == {("base", 2): 2, ("spectrum", 2): 2, ("axes", 2): 2, ("axes", 3): 2}
    learned = rows[rows["phase"] == "single"]
    outcomes = learned.groupby(["factor.learner", "factor.transfer"])["outcome"].unique().map(list).to_dict()
    assert all(outcomes[name, "frozen"] == ["ok"] for name in ("base", "spectrum", "axes"))
    assert outcomes["base", "fine-tune"] == ["ok"]
    assert outcomes["spectrum", "fine-tune"] == outcomes["axes", "fine-tune"] == ["no network"]
    dims = learned.groupby(["factor.learner", "factor.d"])[["representation_dim", "n_parameters"]].first()
    assert dims.loc[("axes", 3)].tolist() == [3, 96] and dims.loc[("spectrum", 2)].tolist() == [6, 513 * 6]
    frozen = learned[learned["factor.transfer"] == "frozen"]
    assert frozen[frozen["factor.learner"] == "axes"].groupby("factor.d")["score"].mean().nunique() == 2
    model = analyze_study(study).models["strategy"]
    assert {"factor.learner[spectrum]", "factor.learner[axes]", "factor.d"} <= set(model.coding.columns)


def test_an_encoder_gives_every_run_the_vectors_of_its_function(folder: Path) -> None:
    study = finished(folder)
    first, second = of_learner(study, "spectrum")
    sound = read_prepared(study).targets["timbre"].sound
    vectors = []
    for run in (first, second):
        assert execute(study, Step("learn", run, ("timbre",))).failure is None
        vectors.append(read_representation(Paths(study.store).representation(run.run_id, sound)))
    np.testing.assert_array_equal(*vectors)
    namespace: dict[str, object] = {}
    exec(SPECTRUM, namespace)
    parts = namespace["learn"](None, folder / "matrix.npy", exponent=0.5).of_file(folder / "sound" / "t00.wav")  # type: ignore[operator]
    np.testing.assert_allclose(vectors[0][0], np.concatenate([parts.mean(axis=0), parts.std(axis=0)]), rtol=1e-5)


def test_a_target_added_later_is_represented_by_what_the_folder_keeps(folder: Path) -> None:
    study = finished(folder)
    run = of_learner(study, "axes")[-1]
    (calls,) = Paths(study.store).run(run.run_id).rglob("calls")
    trained = read_trained(Paths(study.store), run.run_id)
    edit(folder / "study.toml", "[targets.timbre]", '[targets.again]\ntask = "classification"\ntracks = "again.csv"\n'
         'probe = "knn"\nrepeats = 2\n[targets.timbre]')  # fmt: skip
    pd.read_csv(folder / "timbre.csv").iloc[:16].to_csv(folder / "again.csv", index=False)
    later = finished(folder)
    found = rows_of(later)
    here = found[(found["run_id"] == run.run_id) & (found["target"] == "again")]
    assert set(here["outcome"]) == {"ok", "no network"} and calls.read_text() == "learned\n"
    assert read_trained(Paths(study.store), run.run_id) == trained
    assert verify_study(later, deep=True)["damaged"] == []


def test_other_weights_are_other_data(folder: Path) -> None:
    study = finished(folder)
    np.save(folder / "matrix.npy", np.random.default_rng(2).normal(size=(513, 6)))
    (caution,) = [c for c in check_folder(folder).cautions if c.key == "[learners.spectrum] weights"]
    assert "the file that learner 'spectrum' reads: changed since 2 trained runs" in caution.message
    assert any("matrix.npy" in str(found) for found in verify_study(study, deep=True)["changed"])
    with pytest.raises(InputFaults, match="data_fingerprint") as caught:
        launch_study(study, LaunchOptions(in_process=True))
    assert len(caught.value.faults) == 2, "the runs of this learner alone"


def test_what_needs_a_network_says_which_learner_gives_none(folder: Path) -> None:
    study = finished(folder)
    run = of_learner(study, "axes")[0]
    with pytest.raises(InputFaults, match="its learner 'axes' gives no network to embed with, but a function of crops"):
        weights_in_study(study, run.run_id)


def test_settings_that_a_learner_does_not_take_are_refused_before_the_launch(folder: Path) -> None:
    edit(folder / "study.toml", "exponent = 0.5", "exponents = 0.5")
    study = read_study(folder)
    design_study(study, None)
    with pytest.raises(InputFaults, match=r"\[learners.spectrum\] settings: the learner 'spectrum' takes others"):
        launch_study(study, LaunchOptions(in_process=True))
    assert not Paths(study.store).prepared.exists()
