"""The learners of the program, by the contract that a package's own must pass, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.learning.learners import LEARNERS, learned, refuse_learners
from jobs.learning.learners.learner import Learned, Learner
from jobs.learning.representation import represent
from study.core.errors import InputFaults, RunFailed
from study.core.reading import read_study
from study.core.run import make_run
from study.testing import LearnerContract
from tests.small_study import STUDY


class TestBase(LearnerContract):
    name = "base"


class TestOnnx(LearnerContract):
    """A projection of slices of 2,000 samples, as two outputs."""

    name = "onnx"

    def arguments(self, folder: Path):
        onnx = pytest.importorskip("onnx", reason="writes an encoder")
        pytest.importorskip("onnxruntime", reason="an optional package")
        return {"weights": encoder(onnx, folder, (2000,)), "slice_s": 0.25, "output": "vectors"}


class TestOnnxOnCrops(LearnerContract):
    name = "onnx"

    def arguments(self, folder: Path):
        onnx = pytest.importorskip("onnx", reason="writes an encoder")
        pytest.importorskip("onnxruntime", reason="an optional package")
        return {"weights": encoder(onnx, folder, (1, 70, 32)), "input": "crops"}


def encoder(onnx, folder: Path, shape: tuple[int, ...]) -> Path:
    """A file with an encoder: its input, flattened, times a matrix (n, 5)."""
    helper, n = onnx.helper, int(np.prod(shape))
    matrix = np.random.default_rng(3).normal(size=(n, 5)).astype(np.float32) / n
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["sound"], ["flat"]), helper.make_node("MatMul", ["flat", "m"], ["vectors"])],
        "encoder",
        [helper.make_tensor_value_info("sound", onnx.TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT, ["batch", 5])],
        [onnx.numpy_helper.from_array(matrix, "m")],
    )
    path = folder / "encoder.onnx"
    folder.mkdir(exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_learner_gives_one_thing() -> None:
    with pytest.raises(ValueError, match="one of `network`, `of_crops` and `of_file`"):
        Learned(of_crops=torch.zeros_like, of_file=np.zeros, dimensions=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="how many `dimensions`"):
        Learned(of_crops=torch.zeros_like)
    assert Learned(outcome="diverged").outcome == "diverged"


def test_a_network_of_the_base_learner_is_what_represents(tmp_path: Path) -> None:
    contract = TestBase()
    context, found = contract.context(tmp_path), contract.learned(tmp_path)
    assert found.gives == "network" and found.steps == 2 * 3 and found.network is not None
    vectors = represent(found.network, context.store, context.statistics, context.crop_frames)
    np.testing.assert_allclose(vectors[:3, : found.size[0]], contract.vectors(found, tmp_path), rtol=1e-4, atol=1e-6)


OWN = '[factors]\nlearner = ["base", "own"]\nrate = [1, 2]\n[learners.own]\nsettings = { rate = 1 }\n'


def study_of(folder: Path, text: str = OWN):
    (folder / "study.toml").write_text(STUDY + text)
    return read_study(folder)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A learner `own` among those that packages add."""
    monkeypatch.setattr("study.core.learner_checks.extension_names", lambda group: ("own",))
    monkeypatch.setitem(LEARNERS, "own", Learner(lambda context, rate: "nothing"))


def test_what_a_learner_takes_is_checked_before_a_launch(tmp_path: Path, own, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(tmp_path)
    run = make_run(study, "", 0, "SS-R", ("tag",), {"learner": "own", "rate": 2})
    refuse_learners(study, [run])
    with pytest.raises(RunFailed, match=r"learner 'own' returned str; expected study.extend.Learned"):
        learned(study, run, None)  # type: ignore[arg-type]
    monkeypatch.setitem(LEARNERS, "own", Learner(lambda context, speed: None))
    with pytest.raises(InputFaults, match=r"\[learners.own\] settings: the learner 'own' takes others: missing"):
        refuse_learners(study, [run])


def test_settings_and_functions_are_part_of_an_id_and_the_base_is_not(tmp_path: Path, own) -> None:
    study = study_of(tmp_path)
    plain = read_study(tmp_path).model_copy(update={"factors": {}, "learners": {}})
    at = {"learner": "own", "rate": 1}
    ids = [make_run(study, "", 0, "SS-R", ("tag",), levels).run_id for levels in (at, at | {"rate": 2})]
    assert len(set(ids)) == 2
    other = study_of(tmp_path, OWN.replace("settings = {", "settings = { depth = 3,"))
    assert make_run(other, "", 0, "SS-R", ("tag",), at).run_id != ids[0]
    own_alone = plain.model_copy(update={"training": plain.training.model_copy(update={"learner": "own"})})
    by = [make_run(of, "", 0, "SS-R", ("tag",)).run_id for of in (plain, own_alone)]
    assert by[0] != by[1] and "learner" not in plain.training.identity()


NAMED = '[factors]\nlearner = ["base", "own"]\n[learners.own]\n'
ONNX = '[learners.clap]\nlearner = "onnx"\n'


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ('[factors]\nlearner = ["base", "mime"]\n', "[factors] learner = 'mime': expected one of base, onnx"),
        (f'[factors]\nlearner = ["base", "clap"]\n{ONNX}', "[learners.clap] weights: missing"),
        (f'{ONNX}weights = "a.onnx"\n', "[learners.clap]: has no effect: neither [training] nor [factors] names"),
        (f'{NAMED}learner = "owm"\n', "[learners.own] learner = 'owm'"),
        ('[learners.base]\nsettings = { a = 1 }\n', 'the settings of "base" are those of [training]'),
        (f'{NAMED}settings = {{ width = 1 }}\n', "settings.width: this name is taken"),
        (f'{NAMED}settings = {{ probe = 1 }}\n', "settings.probe: this name is taken"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_study_file(tmp_path: Path, own, new: str, told: str) -> None:
    with pytest.raises(InputFaults) as caught:
        study_of(tmp_path, new)
    assert told in str(caught.value)
