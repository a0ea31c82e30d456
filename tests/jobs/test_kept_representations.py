from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from jobs.kept_representations import KEPT, kept_representation, read_topics
from jobs.learning.representation import load_network
from jobs.prepared_data import read_prepared
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study


@pytest.fixture
def study(run_study: Path, tmp_path: Path):
    return read_study(Path(shutil.copytree(run_study, tmp_path / "small")))


@pytest.mark.parametrize("strategy", ["MS-SR@FC", "MS-CR@4"])
def test_topics_are_what_the_runs_own_output_layers_say_of_the_mean(study, strategy: str) -> None:
    paths = Paths(study.store)
    run = next(run for run in read_plan(paths.plan, study) if run.strategy == strategy and run.n_sources == 3)
    network, _, _ = load_network(paths.weights(run.run_id))
    rng, dim = np.random.default_rng(0), network.representation_dim
    mean = np.abs(rng.standard_normal((40, dim))).astype(np.float32)
    table = pd.DataFrame(mean, columns=[f"mean_{d}" for d in range(dim)]).assign(
        track_id=[f"t{k}" for k in range(40)], **{f"deviation_{d}": 9.0 for d in range(dim)}
    )
    path = paths.target(run.run_id, "timbre") / KEPT
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path)

    kept = kept_representation(study, run.run_id, "timbre")
    assert list(kept.index) == list(table["track_id"])
    assert "topic.self" not in kept
    for position, source in ((1, "pitch"), (2, "tag")):
        own = dim // 3 if strategy == "MS-CR@4" else dim
        block = mean[:, position * own : (position + 1) * own] if strategy == "MS-CR@4" else mean
        with torch.inference_mode():
            distribution = network.heads[position](torch.from_numpy(block)).softmax(dim=1).numpy()
        assert (kept[f"topic.{source}"] == 1 + distribution.argmax(axis=1)).all()
        assert kept[f"topic.{source}"].nunique() > 1


def test_what_was_not_kept_is_none(study) -> None:
    run = read_plan(Paths(study.store).plan, study)[0]
    assert kept_representation(study, run.run_id, "timbre") is None


def test_terms_are_those_of_the_labels_as_they_are_now(study) -> None:
    topics = read_topics(study, read_prepared(study))
    assert set(topics["source"]) == {"tag"}, "only this source has terms"
    assert list(topics["topic"]) == [1, 2, 3]
    assert {"bright", "dull", "high", "low", "sound"} == set(", ".join(topics["terms"]).split(", "))
