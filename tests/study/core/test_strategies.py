"""Strategies as data: the six, a study's own, their places on r*, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from design.generate import generate
from study.core.backbones import BACKBONES
from study.core.coding import first_model, n_star, r_star, second_model
from study.core.cost import n_parameters, representation_dim
from study.core.errors import InputFaults
from study.core.reading import read_study
from study.core.run import make_run
from study.core.strategies import BUILT_IN, STRATEGIES, Strategy, as_written, single_of, strategy_named
from study.core.study_file import Study
from tests.analysis.conftest import simulated_results
from tests.small_study import STUDY

OWN = '[strategies."MS-CR@3"]\nshare = "conv2"\n'
CLONES = {f"my-{name}": one for name, one in BUILT_IN.items()}
OF_CLONES = "".join(
    f'[strategies."{name}"]\nsources = "one"\n' if one.is_single else f'[strategies."{name}"]\nshare = "{one.share}"\n'
    for name, one in CLONES.items()
)
ORIGINAL = dict(zip(CLONES, STRATEGIES, strict=True))


def read(folder: Path, text: str, *overrides: str) -> Study:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return read_study(folder, overrides)


def without_phases(text: str = STUDY) -> str:
    return text.split("[[design.phase]]")[0]


def test_the_six_are_as_the_paper_has_them() -> None:
    assert [one.size for one in BUILT_IN.values()] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert single_of(BUILT_IN) == "SS-R"
    assert all(strategy_named(as_written(one)) == one for one in BUILT_IN.values())
    own = Strategy("conv2", "many", 0.7)
    assert strategy_named(as_written(own)).definition == own.definition
    with pytest.raises(ValueError, match="no strategy 'MS-CR@3'"):
        strategy_named("MS-CR@3")


def test_an_own_strategy_is_designed_beside_the_six(tmp_path: Path) -> None:
    """Its place on r* follows from its parameters, those of the six stay."""
    study = read(tmp_path, without_phases() + OWN)
    own = study.known_strategies["MS-CR@3"]
    assert list(study.strategies) == ["SS-R", "MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@3", "MS-CR@2", "MSS-CR"]
    base = [cost.parameters for cost in BACKBONES["base"].costs((1, 63, 32))]
    share = (sum(base[2:]) - sum(base[3:])) / (sum(base[1:]) - sum(base[3:]))
    assert own == Strategy("conv2", "many", pytest.approx(0.6 + 0.2 * share, abs=1e-4))
    assert {name: study.known_strategies[name] for name in STRATEGIES} == BUILT_IN
    stated = read(tmp_path, without_phases() + OWN + "size = 0.65\n")
    assert stated.known_strategies["MS-CR@3"].size == 0.65
    runs = generate(study, 3)
    assert {run.n_sources for run in runs if run.strategy == "MS-CR@3"} == {2, 3}


def test_only_the_definition_of_an_own_strategy_enters_an_id(tmp_path: Path) -> None:
    def run_id(text: str, strategy: str = "MS-CR@3") -> str:
        return make_run(read(tmp_path, text), "all", 0, strategy, ("pitch", "tag")).run_id

    plain = without_phases()
    assert run_id(plain, "MS-CR@4") == run_id(plain + OWN, "MS-CR@4")
    assert run_id(plain + OWN) == run_id(plain + OWN + "size = 0.65\n")
    assert run_id(plain + OWN) != run_id(plain + OWN.replace("conv2", "conv4"))


@pytest.mark.parametrize(
    ("added", "told"),
    [
        (OWN.replace("conv2", "convv2"), ["has the stages conv1, conv2, ", "did you mean 'conv2'?"]),
        (OWN.replace('share = "conv2"', ""), ['[strategies.MS-CR@3] share: missing']),
        (OWN.replace("MS-CR@3", "MS-CR@4"), ['[strategies.MS-CR@4]', "this name is taken"]),
        (OWN.replace("MS-CR@3", "Random"), ["[strategies.Random]", "this name is taken"]),
        (OWN + 'sources = "one"\n', ['share = \'conv2\': has no effect with sources = "one"']),
        (OWN + "size = 2\n", ["size = 2", "less than or equal to 1"]),
        (OWN.replace("conv2", "conv3"), ["builds the same networks as MS-CR@4"]),
        (OWN + '[strategies.two]\nshare = "conv2"\n', ['[strategies.two]', "the same networks as MS-CR@3"]),
        ('[strategies.alone]\nsources = "one"\n', ["[strategies.alone]", "the same networks as SS-R"]),
        (OWN + '[factors]\nstrategy = ["SS-R", "MS-CR@3", "MS-CR@5"]\n', ["= 'MS-CR@5'", "did you mean 'MS-CR@"]),
        (OWN + '[factors]\nstrategy = ["SS-R", "MS-CR@4"]\n', ["[strategies.MS-CR@3]: has no effect"]),
    ],
)  # fmt: skip
def test_faults_of_strategies(tmp_path: Path, added: str, told: list[str]) -> None:
    with pytest.raises(InputFaults) as raised:
        read(tmp_path, without_phases() + added)
    assert len(raised.value.faults) == 1
    assert all(part in str(raised.value.faults[0]) for part in told), raised.value.faults


def test_a_stage_must_be_of_every_backbone_of_the_study(tmp_path: Path) -> None:
    text = without_phases().replace("crop_s = 0.5", "crop_s = 1.0") + OWN
    read(tmp_path, text + '[factors]\nbackbone = ["base", "k2c1"]\n', "mel.crop_s=30.0")
    with pytest.raises(InputFaults, match=r'\[factors\] backbone = "lstm" has the stages frame, lstm1'):
        read(tmp_path, text + '[factors]\nbackbone = ["base", "lstm"]\n')


def test_clones_cost_the_same_and_have_the_same_columns(tmp_path: Path) -> None:
    study = read(tmp_path, without_phases() + OF_CLONES + f"[factors]\nstrategy = {list(CLONES)}\n")
    for name, original in ORIGINAL.items():
        clone = study.known_strategies[name]
        assert clone == BUILT_IN[original]
        sources = {"self": None} if clone.is_single else {"self": None, "tag": 3, "pitch": 4}
        assert n_parameters(clone, sources, 1, 0.5) == n_parameters(original, sources, 1, 0.5)
        assert representation_dim(clone, len(sources), 0.5) == representation_dim(original, len(sources), 0.5)
    rows = simulated_results()
    rows = rows[rows["strategy"].isin(STRATEGIES)]
    renamed = rows.assign(strategy=rows["strategy"].map({old: new for new, old in ORIGINAL.items()}))
    for model in (first_model, second_model):
        ours, theirs = model(rows), model(renamed, strategies=study.known_strategies)
        np.testing.assert_array_equal(ours.columns, theirs.columns)
        assert len(ours.random) == len(theirs.random)
    for of_rows in (n_star(rows["strategy"], rows["n_sources"]), r_star(rows["strategy"])):
        assert np.isfinite(of_rows).all()
