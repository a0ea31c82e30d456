from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.core.errors import InputFaults
from study.core.plan import plan_schema, read_plan, refuse_other_overrides, write_plan
from study.core.reading import read_study
from study.core.run import make_run
from study.core.study_file import Study
from tests.small_study import STUDY

FACTORS = "\n[factors]\nwidth = [0.125, 0.25]\nlearning_rate = [1, 0.5]\niterations = ['l', 'lm']\n"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "study.toml").write_text(STUDY + FACTORS, encoding="utf-8")
    return read_study(tmp_path)


def planned(study: Study) -> list:
    levels = {"width": 0.25, "learning_rate": 1, "iterations": "lm"}
    return [
        make_run(study, "single", 0, "SS-R", ("tag",), levels),
        make_run(study, "all", 1, "MSS-CR", ("self", "pitch", "tag"), levels | {"learning_rate": 0.5}),
    ]


def test_round_trip(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    write_plan(path, study, planned(study), lambda run: 1.5 if run.n_sources == 3 else None)
    assert read_plan(path, study) == planned(study)
    table = pd.read_parquet(path)
    assert list(table) == plan_schema(study).names
    assert table["position"].tolist() == [0, 1] and table["cost_gpu_hours"].isna().tolist() == [True, False]
    assert table["source.tag"].tolist() == [True, True] and table["source.self"].tolist() == [False, True]


def test_no_plan(study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputFaults, match="no plan yet; `study design"):
        read_plan(tmp_path / "plan.parquet", study)


def test_truncated_plan(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    write_plan(path, study, planned(study), lambda run: None)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputFaults, match=r"damaged, .*: `study design` with the same budget gives the same runs"):
        read_plan(path, study)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seed = 5", "seed = 6", "position 0 run_id"),
        ("[sources.tag]", "[sources.genre]", "column source.tag: not a factor or source of this study"),
        ("width = [0.125, 0.25]", "", "column factor.width: not a factor or source of this study"),
    ],
)
def test_plan_of_another_study(study: Study, tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "plan.parquet"
    write_plan(path, study, planned(study), lambda run: None)
    (tmp_path / "study.toml").write_text((STUDY + FACTORS).replace(old, new), encoding="utf-8")
    with pytest.raises(InputFaults) as caught:
        read_plan(path, read_study(tmp_path))
    assert told in str(caught.value)


def test_the_metadata_names_the_study(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    write_plan(path, study, planned(study), lambda run: None)
    assert pq.read_schema(path).metadata[b"study"] == b"small"


def test_a_plan_says_which_settings_it_was_made_with(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    with_two = read_study(tmp_path, ["training.epochs=2", "mel.n_mels=64"])
    write_plan(path, with_two, planned(with_two), lambda run: None)
    assert read_plan(path, with_two) == planned(with_two)
    with pytest.raises(InputFaults) as caught:
        read_plan(path, study)
    assert "made with [mel] n_mels = 64 (now 32), [training] epochs = 2 (now 1); restore" in str(caught.value)


def test_overrides_that_the_plan_was_not_made_with_are_refused(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    given = ["training.epochs=2", "factors.width=[0.125, 0.5]"]
    made = read_study(tmp_path, given)
    write_plan(path, made, [], lambda run: None)
    refuse_other_overrides(path, made)
    refuse_other_overrides(path, study)  # without overrides the runs' ids decide
    with pytest.raises(InputFaults) as caught:
        refuse_other_overrides(path, read_study(tmp_path, [*given, "training.epochs=3", "cluster.gpu_share=0.5"]))
    assert str(caught.value).splitlines() == [
        f"--set {key}: the plan was made with {had}; leave this option out, or pass it to `study design` too"
        for key, had in (("training.epochs = 3", "[training] epochs = 2"),
                         ("cluster.gpu_share = 0.5", "[cluster] gpu_share left out"))
    ]  # fmt: skip
    (tmp_path / "study.toml").write_text(STUDY.replace("epochs = 1", "epochs = 2") + FACTORS, encoding="utf-8")
    refuse_other_overrides(path, read_study(tmp_path, ["training.epochs=2"]))  # whoever set it
