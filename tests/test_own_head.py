"""A network's own output for a source, scored on the corpus's held-out tracks against their labels."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from jobs.in_process import InProcess
from jobs.launch import launch
from jobs.learning.own_head import own_head
from jobs.learning.representation import save_weights
from jobs.networks.branching import build_network
from jobs.preparation import prepare
from jobs.prepared_data import open_corpus_arrays, open_labels, open_sound, open_target, read_prepared
from jobs.targets.scoring import evaluate_predictions
from jobs.targets.splits import Split
from jobs.targets.track_labels import TargetData
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.reading import read_study
from study.core.results import KEY
from study.core.run import Run, baseline_runs, make_run
from study.core.sections import Target
from study.core.study_file import Study
from study.core.valid_results import read_results
from study.testing.memory_store import memory_store
from tests.jobs.learning.test_representation import heard
from tests.small_study import faults_of
from tests.test_bad_input import edit

N, TAGS, FRAMES = 30, 4, 63
STATISTICS = np.full(32, -40.0), np.full(32, 12.0)


def auc_by_hand(labels: np.ndarray, scores: np.ndarray) -> float:
    """The share of pairs of an item with the tag and one without in which the former scores higher, ties half."""
    pairs = product(scores[labels == 1], scores[labels == 0])
    return float(np.mean([1.0 if one > other else 0.5 * (one == other) for one, other in pairs]))


def mean_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    varied = [tag for tag in range(labels.shape[1]) if 0 < labels[:, tag].sum() < len(labels)]
    return float(np.mean([auc_by_hand(labels[:, tag], scores[:, tag]) for tag in varied]))


@pytest.mark.parametrize("strategy", ["MS-CR@4", "MS-SR@FC"])
@pytest.mark.parametrize(("loss", "link"), [("bce", torch.sigmoid), ("kl", lambda outputs: outputs.softmax(dim=1))])
def test_the_auc_of_planted_tags_by_hand(tmp_path: Path, strategy: str, loss: str, link) -> None:
    """Of clips of one to three slices, by a head after the branch of its source."""
    rng = np.random.default_rng(7)
    store = memory_store(rng.integers(FRAMES, 3 * FRAMES, N).tolist())
    sources = {"self": None, "tag": TAGS}
    network = build_network(strategy, sources, 1, 32, 0.25, objectives={"tag": loss}, seed=np.random.SeedSequence(1))
    save_weights(tmp_path / "w", network, STATISTICS, {})
    network.eval()
    mean, deviation = (torch.from_numpy(values).float() for values in STATISTICS)
    expected = []
    with torch.no_grad():
        for track in range(N):
            shared = network.shared((heard(store, track, FRAMES) - mean) / deviation)
            features = network.branches[1](shared) if network.branches else shared
            expected.append(link(network.heads[1](features)).double().mean(dim=0).numpy())
    labels = (rng.random((N, TAGS)) < 0.4).astype(np.int8)
    labels[:, 0] = (np.array(expected)[:, 0] > np.median(np.array(expected)[:, 0])).astype(np.int8)  # planted
    names = tuple(map(str, store.track_ids))
    data = TargetData("t", "multilabel", names, tuple(map(Path, names)), labels, in_test=np.arange(N) >= 10)
    splits = [Split(repeat, 0, np.arange(10), np.arange(10, N), published=True) for repeat in range(2)]
    predictions = own_head(tmp_path / "w", store, FRAMES, data, splits, "tag")
    assert len(predictions) == 2 * 20 * TAGS and predictions["tag"].max() == TAGS
    target = Target(task="multilabel", source="tag", metrics=("roc_auc", "average_precision"), repeats=2)
    scores = evaluate_predictions(data, target, splits, predictions).scores
    by_hand = mean_auc(labels[10:], np.array(expected)[10:])
    assert [s.score for s in scores if s.metric == "roc_auc"] == pytest.approx([by_hand, by_hand], abs=1e-12)
    assert auc_by_hand(labels[10:, 0], np.array(expected)[10:, 0]) > 0.9


def with_held_out(folder: Path) -> Study:
    """The small study with its source `tag` as tags, `pitch` as classes, and a target of each."""
    edit(folder / "study.toml", 'labels = "plsa"\ntable = "tags.csv"', 'labels = "tags"\ntable = "tags.csv"')
    edit(
        folder / "study.toml", 'labels = "gmm"\ntable = "pitch.csv"\nfactors = 4', 'labels = "classes"\ntable = "c.csv"'
    )
    edit(folder / "study.toml", "channels = 1\n", "channels = 1\nvalidation = 0.4\n")
    tracks = pd.read_csv(folder / "tracks.csv")["track_id"]
    values = ["a" if number % 3 else "b" for number in range(len(tracks))]
    pd.DataFrame({"track_id": tracks, "value": values}).to_csv(folder / "c.csv", index=False)
    targets = """[factors]
transfer = ["frozen", "last-layer", "own-head"]
[fine_tuning]
epochs = 1
batch_size = 8
[targets.tags]
task = "multilabel"
source = "tag"
metrics = ["roc_auc", "average_precision"]
repeats = 2
probe = "logistic"
[targets.classes]
task = "classification"
source = "pitch"
repeats = 2
probe = "knn"
"""
    edit(folder / "study.toml", "[targets.timbre]", f"{targets}[targets.timbre]")
    return read_study(folder)


def launched(study: Study, runs: list[Run]) -> pd.DataFrame:
    launch(study, prepare(study, workers=1), runs, InProcess(study), lambda progress, report: None)
    rows, faults = read_results(Paths(study.store))
    assert not faults and not rows.duplicated([*KEY, "factor.transfer"]).any()
    return rows


def test_from_the_study_file_to_scores(small_study: Path) -> None:
    study = with_held_out(small_study)
    both = make_run(study, "all", 0, "MSS-CR", ("pitch", "tag"))
    other = make_run(study, "single", 0, "SS-R", ("self",))
    mfcc, random, *_ = baseline_runs(study)
    rows = launched(study, [both, other, mfcc, random])
    assert (rows["outcome"] == "ok").all()
    levels = rows.groupby(["run_id", "target"])["factor.transfer"].agg(lambda of: "+".join(sorted(set(of))))
    assert levels[both.run_id, "tags"] == levels[both.run_id, "classes"] == "frozen+last-layer+own-head"
    assert levels[both.run_id, "timbre"] == levels[other.run_id, "tags"] == "frozen+last-layer"
    assert levels[random.run_id, "classes"] == "frozen+last-layer" and levels[mfcc.run_id, "tags"] == "frozen"

    prepared = read_prepared(study)
    arrays = open_corpus_arrays(study, prepared)
    assert prepared.targets["tags"].sound == prepared.corpus_sound and prepared.targets["tags"].split
    data = open_target(study, "tags", prepared.targets["tags"])
    np.testing.assert_array_equal(data.in_test, ~arrays.training)
    truth = open_labels(study, prepared, "tag")
    np.testing.assert_array_equal(data.labels, truth)
    assert list(data.track_ids) == list(open_sound(study, prepared.corpus_sound).track_ids)

    own = rows[(rows["run_id"] == both.run_id) & (rows["factor.transfer"] == "own-head")]
    kept = pd.read_parquet(Paths(study.store).target(both.run_id, "tags") / "predictions-own-head.parquet")
    first = kept[kept["repeat"] == 0].pivot(index="track_id", columns="tag", values="prediction")
    labels = pd.DataFrame(truth, index=list(data.track_ids)).loc[first.index].to_numpy()
    scores = own[(own["target"] == "tags") & (own["metric"] == "roc_auc")]["score"]
    assert scores.tolist() == pytest.approx([mean_auc(labels, first.to_numpy())] * 2)
    of_classes = pd.read_parquet(Paths(study.store).target(both.run_id, "classes") / "predictions-own-head.parquet")
    accuracy = (of_classes["label"] == of_classes["prediction"]).mean()
    assert own[own["target"] == "classes"]["score"].tolist() == pytest.approx([accuracy] * 2)


@pytest.mark.parametrize("probe", ["mlp", "logistic", "knn", "svm"])
def test_every_probe_ranks_tags_that_can_be_seen(probe: str) -> None:
    from jobs.targets.scoring import evaluate

    rng = np.random.default_rng(2)
    features = rng.normal(size=(90, 5))
    labels = np.stack([features[:, 0] > 0, features[:, 1] > 0.5, np.ones(90)], axis=1).astype(np.int8)
    names = tuple(f"t{n:02d}" for n in range(90))
    data = TargetData("t", "multilabel", names, tuple(map(Path, names)), labels, in_test=np.arange(90) >= 60)
    target = Target(task="multilabel", source="tag", metrics=("roc_auc", "average_precision"), probe=probe, repeats=1)
    found = evaluate(data, target, [Split(0, 0, np.arange(60), np.arange(60, 90))], features, np.random.SeedSequence(3))
    assert [score.outcome for score in found.scores] == ["ok", "ok"] and min(s.score for s in found.scores) > 0.75
    assert len(found.predictions) == 30 * 3
    by_hand = mean_auc(labels[60:], found.predictions["prediction"].to_numpy().reshape(30, 3))
    assert found.scores[0].score == pytest.approx(by_hand)


TARGET = '[targets.own]\ntask = "{}"\nsource = "{}"\n'
TAGS_TARGET = TARGET.format("multilabel", "tag")


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (TARGET.format("multilabel", "tga"), "[targets.own] source = 'tga': no such source; did you mean 'tag'"),
        (TARGET.format("multilabel", "tag"), "expected a source with labels tags, classes, ordinal"),
        (TAGS_TARGET + 'tracks = "a.csv"\n', "not with `source`"),
        (TAGS_TARGET + 'metrics = ["accuracy"]\n', "expected one of roc_auc, average_precision"),
        ('[targets.own]\ntask = "multilabel"\ntracks = "a.csv"\n', "expected `source`, a source of tags"),
        ('[factors]\ntransfer = ["frozen", "own-head"]\n', "has no effect: no target is of a source"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_study_file(tmp_path: Path, new: str, expected: str) -> None:
    assert expected in faults_of(tmp_path, new)


def test_nothing_is_held_out_or_the_task_is_another(small_study: Path) -> None:
    with_held_out(small_study)
    edit(small_study / "study.toml", "validation = 0.4", "validation = 0")
    edit(small_study / "study.toml", 'task = "multilabel"\nsource = "tag"', 'task = "classification"\nsource = "tag"')
    edit(small_study / "study.toml", 'metrics = ["roc_auc", "average_precision"]\n', "")
    with pytest.raises(InputFaults) as caught:
        read_study(small_study)
    assert "[corpus] validation = 0: expected above 0" in str(caught.value)
    assert 'expected "multilabel" for a source with labels = "tags"' in str(caught.value)
