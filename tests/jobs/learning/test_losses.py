from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from jobs.learn_step import learn
from jobs.learning.objectives import OBJECTIVES
from jobs.learning.representation import load_network
from jobs.preparation import prepare
from jobs.prepared_data import open_labels, read_prepared
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.run import make_run
from tests.small_study import STUDY, write_small_study

TAGS = STUDY.replace('labels = "plsa"', 'labels = "tags"')


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def test_losses_by_hand() -> None:
    logits, wanted = torch.tensor([[logit(0.9), logit(0.2)]]), torch.tensor([[1.0, 0.0]])
    assert OBJECTIVES["bce"].loss(logits, wanted).tolist() == pytest.approx([-np.log(0.9) - np.log(0.8)])
    focal = -0.25 * 0.1**2 * np.log(0.9) - 0.75 * 0.2**2 * np.log(0.8)
    assert OBJECTIVES["focal"].loss(logits, wanted).tolist() == pytest.approx([focal])
    of_shares, half = torch.tensor([[np.log(0.7), np.log(0.3)]]), torch.tensor([[0.5, 0.5]])
    expected = 0.5 * np.log(0.5 / 0.7) + 0.5 * np.log(0.5 / 0.3)
    assert OBJECTIVES["kl"].loss(of_shares, half).tolist() == pytest.approx([expected])
    assert OBJECTIVES["pairs"].loss(of_shares, torch.tensor([1])).tolist() == pytest.approx([-np.log(0.3)])


def test_kl_from_one_of_k_is_cross_entropy() -> None:
    logits, classes = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 4
    one_of_k = torch.nn.functional.one_hot(classes, 4).float()
    torch.testing.assert_close(
        OBJECTIVES["kl"].loss(logits, one_of_k), torch.nn.functional.cross_entropy(logits, classes, reduction="none")
    )


def test_losses_stay_finite_where_a_network_is_sure() -> None:
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    for name in ("kl", "bce", "focal"):
        for wanted in ([[1.0, 0.0]], [[0.0, 1.0]]):
            (gradient,) = torch.autograd.grad(OBJECTIVES[name].loss(logits, torch.tensor(wanted)).sum(), logits)
            assert gradient.isfinite().all()


def test_tags_are_learned_by_the_loss_named_and_distributions_are_not(tmp_path: Path) -> None:
    folder = write_small_study(tmp_path / "small")
    words = pd.read_csv(folder / "tags.csv")
    words.loc[words["track_id"] == "c03", "term"] = ["seldom", "scarcely", "hardly"]
    words.to_csv(folder / "tags.csv", index=False)

    def losses(loss: str, source: str) -> dict[str, float]:
        text = TAGS.replace("epochs = 1", f'epochs = 1\nloss = "{loss}"')
        (folder / "study.toml").write_text(text, encoding="utf-8")
        study = read_study(folder)
        if not (folder / "prepared").is_dir():
            prepare(study, said.append, workers=1)
        run = make_run(study, "single", 0, "SS-R", (source,))
        learn(study, run, (), "only")
        lines = Paths(study.store).log(run.run_id).read_text(encoding="utf-8").splitlines()
        return json.loads(lines[-1])["validation_loss"][source]

    said: list[str] = []
    by_bce = losses("bce", "tag")
    study = read_study(folder)
    kept = (Paths(study.store).runs / "precision").read_text(encoding="utf-8")
    assert kept.startswith("float32, not compiled: the smallest training has ")
    *_, description = load_network(next(Paths(study.store).runs.glob("*/weights.safetensors")))
    assert (description["precision"], description["compiled"]) == ("float32", False)
    assert "labels: 1 tracks have none of the 3 terms of tag and are not used to learn it" in said
    labels = open_labels(study, read_prepared(study), "tag")
    assert np.isnan(labels).any(axis=1).sum() == 1 and set(np.unique(labels)[:2]) == {0, 1}
    by_focal, by_kl = losses("focal", "tag"), losses("kl", "tag")
    assert by_focal < 0.5 * by_bce  # focal weighs every term of the sum by a half or less at the outset
    assert 0 < by_kl < np.log(3)
    assert losses("bce", "pitch") < np.log(4)  # a distribution over 4 is learned by kl all the same: bce starts at 2.8


@pytest.mark.parametrize(("where", "value"), [("[training]", 'loss = "bce"'), ("[factors]", 'loss = ["kl", "focal"]')])
def test_a_loss_over_tags_needs_tags(tmp_path: Path, where: str, value: str) -> None:
    def text(study: str) -> str:
        return (
            study.replace("[training]", f"[training]\n{value}")
            if where == "[training]"
            else f"{study}\n{where}\n{value}\n"
        )

    (tmp_path / "study.toml").write_text(text(STUDY), encoding="utf-8")
    with pytest.raises(InputFaults) as caught:
        read_study(tmp_path)
    [fault] = caught.value.faults
    assert fault.key == f"{where} loss" and 'labels = "tags"' in fault.expected
    (tmp_path / "study.toml").write_text(text(TAGS), encoding="utf-8")
    read_study(tmp_path)


def test_compile_is_auto_or_a_flag(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY.replace("[training]", '[training]\ncompile = "yes"'), encoding="utf-8")
    with pytest.raises(InputFaults) as caught:
        read_study(tmp_path)
    assert {fault.key for fault in caught.value.faults} == {"[training] compile"}
