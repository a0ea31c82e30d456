"""The contract, for every objective; what each alone is; and one that a package adds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from jobs.learn_step import learn
from jobs.learning.objectives import OBJECTIVES, contrastive
from jobs.learning.representation import load_network
from jobs.preparation import prepare
from study.core.cost import n_parameters
from study.core.errors import InputFaults
from study.core.objectives import OF_LABELS
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.run import make_run
from study.testing.objective import FACTORS, N_TRACKS, ObjectiveContract
from tests.small_study import STUDY, write_small_study


class TestPairs(ObjectiveContract):
    name = "pairs"

    def labels(self, rng):
        return None


class TestContrastive(ObjectiveContract):
    name = "contrastive"

    def labels(self, rng):
        return None


class TestKL(ObjectiveContract):
    name = "kl"

    def labels(self, rng):
        return rng.dirichlet(np.ones(FACTORS), N_TRACKS)


class TestCrossEntropy(ObjectiveContract):
    name = "cross-entropy"

    def labels(self, rng):
        return np.eye(FACTORS)[rng.integers(FACTORS, size=N_TRACKS)]


class TestBCE(ObjectiveContract):
    name = "bce"

    def labels(self, rng):
        tags = (rng.random((N_TRACKS, FACTORS)) < 0.4).astype(float)
        tags[~tags.any(axis=1), 0] = 1
        return tags


class TestFocal(TestBCE):
    name = "focal"


class TestSquaredError(ObjectiveContract):
    name = "squared-error"

    def labels(self, rng):
        return rng.normal(size=(N_TRACKS, 1))


def test_every_objective_has_a_contract_and_suits_some_labels() -> None:
    contracts = [each for each in globals().values() if isinstance(each, type) and issubclass(each, ObjectiveContract)]
    tested = {each.name for each in contracts if each is not ObjectiveContract}
    assert tested == set(OBJECTIVES) == {name for names in OF_LABELS.values() for name in names}


def test_nt_xent_by_hand() -> None:
    """Two items in the plane: crops at 0 and 90 degrees, and at 180 and 180."""
    at = torch.tensor([[1.0, 0.0], [-2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])  # the first crops, then the second
    e = {cosine: math.exp(cosine / contrastive.TEMPERATURE) for cosine in (-1, 0, 1)}
    first = [-math.log(e[0] / (e[0] + 2 * e[-1])), -math.log(e[0] / (3 * e[0]))]
    second = [-math.log(e[1] / (e[1] + e[-1] + e[0]))] * 2
    losses = contrastive.loss(at, torch.tensor([4, 7]))
    assert losses.tolist() == pytest.approx([np.mean(first), np.mean(second)])


def test_crops_of_one_track_are_no_negatives() -> None:
    projections = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    twice = contrastive.loss(projections, torch.tensor([4, 4, 9]))
    assert bool((twice <= contrastive.loss(projections, torch.tensor([4, 5, 9])) + 1e-6).all())
    alone = contrastive.loss(projections[[0, 2, 3, 5]], torch.tensor([4, 9]))
    assert twice[0].item() == pytest.approx(alone[0].item(), rel=1e-5)


def test_the_least_contrastive_loss_is_reached_where_tracks_are_apart() -> None:
    n = 5
    corners = torch.eye(n) - 1 / n  # a simplex: n vectors as far apart as can be
    losses = contrastive.loss(corners.repeat(2, 1), torch.arange(n))
    assert losses.tolist() == pytest.approx([contrastive.least(n)] * n, abs=1e-5)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_small_study(tmp_path / "small")


def test_a_contrastive_source_beside_self_is_trained(small: Path) -> None:
    text = STUDY.replace(
        "[sources.pitch]", '[sources.views]\nlabels = "self"\nobjective = "contrastive"\n[sources.pitch]'
    )
    (small / "study.toml").write_text(text, encoding="utf-8")
    study = read_study(small)
    prepare(study, workers=1)
    run = make_run(study, "", 0, "MS-CR@4", ("self", "views"))
    learn(study, run, (), "only")
    network, _, _ = load_network(Paths(study.store).weights(run.run_id))
    assert network.objectives == {"self": "pairs", "views": "contrastive"}
    stated = n_parameters("MS-CR@4", {"self": None, "views": None}, 1, 0.125, n_mels=32,
                          objectives={"views": "contrastive"})  # fmt: skip
    assert network.n_parameters == stated


def test_an_objective_enters_the_id_off_its_default_only(tmp_path: Path) -> None:
    def run_id(source: str, objective_line: str) -> str:
        text = STUDY.replace(f"[sources.{source}]", f"[sources.{source}]\n{objective_line}")
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        return make_run(read_study(tmp_path), "", 0, "SS-R", (source,)).run_id

    assert run_id("self", "") == run_id("self", 'objective = "pairs"') != run_id("self", 'objective = "contrastive"')
    assert run_id("pitch", "") == run_id("pitch", 'objective = "kl"')


@pytest.mark.parametrize(
    ("source", "named", "told"),
    [
        ("self", "kl", "expected one of pairs, contrastive"),
        ("pitch", "pairs", "expected one of kl"),
        ("tag", "contrastve", 'expected one of kl for labels = "plsa"'),
    ],
)
def test_objectives_that_do_not_suit_the_labels(tmp_path: Path, source: str, named: str, told: str) -> None:
    text = STUDY.replace(f"[sources.{source}]", f'[sources.{source}]\nobjective = "{named}"')
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputFaults) as caught:
        read_study(tmp_path)
    (fault,) = caught.value.faults
    assert fault.key == f"[sources.{source}] objective" and told in fault.expected
