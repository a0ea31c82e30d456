from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.core.errors import InputFaults
from study.core.plan import plan_schema, read_plan, write_plan
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
    with pytest.raises(InputFaults, match="not a readable plan"):
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
