"""What every target must do, and every target of one label a track besides: have networks fine-tuned for it.

A test class inherits the contract and says which target and features it is run on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jobs.learning.fine_tuning import fine_tune
from jobs.learning.representation import save_weights
from jobs.networks.branching import build_network
from jobs.sound.mel_store import MelStore
from jobs.targets.scoring import Split, TargetData, evaluate, evaluate_predictions, read_target, target_splits
from study.core.sections import FineTuning, Target
from study.testing.memory_store import memory_store

SEED = np.random.SeedSequence(11)


class TargetContract:
    tables = ("tracks",)
    """The tables whose rows may stand in any order."""

    def target(self, folder: Path) -> Target:
        """A target of 50 tracks or more whose tables are written into the folder."""
        raise NotImplementedError

    def good_features(self, data: TargetData) -> np.ndarray:
        """(n_tracks, d): what tells the labels."""
        raise NotImplementedError

    chance: float
    """What the primary metric is near to without any information, within `leeway`."""
    leeway: float

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Target:
        return self.target(tmp_path)

    @pytest.fixture
    def data(self, settings: Target) -> TargetData:
        return read_target(settings, "liked")

    @pytest.fixture
    def splits(self, data: TargetData, settings: Target) -> list[Split]:
        return target_splits(data, settings, study_seed=1, name="liked")

    def mean_score(self, data: TargetData, settings: Target, splits: list[Split], features: np.ndarray) -> float:
        scores = evaluate(data, settings, splits, features, SEED).scores
        return float(np.mean([score.score for score in scores if score.metric == settings.primary_metric]))

    def test_splits_divide_all_tracks(self, data: TargetData, settings: Target, splits: list[Split]) -> None:
        assert len(splits) == (settings.folds or settings.repeats)
        for split in splits:
            together = np.sort(np.concatenate((split.train, split.test)))
            np.testing.assert_array_equal(together, np.arange(len(data.track_ids)))
            assert split.train.size and split.test.size
        if settings.folds:
            tested = np.sort(np.concatenate([split.test for split in splits]))
            np.testing.assert_array_equal(tested, np.arange(len(data.track_ids)))

    def test_splits_hang_on_the_study_seed_and_the_name_alone(
        self, data: TargetData, settings: Target, splits: list[Split]
    ) -> None:
        again = target_splits(data, settings, study_seed=1, name="liked")
        assert all(np.array_equal(one.test, other.test) for one, other in zip(splits, again, strict=True))
        for changed in (target_splits(data, settings, 2, "liked"), target_splits(data, settings, 1, "other")):
            same = [np.array_equal(one.test, other.test) for one, other in zip(splits, changed, strict=True)]
            assert all(same) if splits[0].published else not any(same)

    def test_every_split_has_every_metric_and_every_test_item(
        self, data: TargetData, settings: Target, splits: list[Split]
    ) -> None:
        found = evaluate(data, settings, splits, self.good_features(data), SEED)
        keys = [(score.repeat, score.fold, score.metric) for score in found.scores]
        assert keys == [(s.repeat, s.fold, metric) for s in splits for metric in settings.metric_names]
        assert all(score.outcome == "ok" and np.isfinite(score.score) for score in found.scores)
        for split in splits:
            rows = found.predictions.query("repeat == @split.repeat and fold == @split.fold")
            assert list(rows.iloc[:, 2]) == self.items(data, split)
            assert not rows.isna().any(axis=None)

    def items(self, data: TargetData, split: Split) -> list[str]:
        return [data.track_ids[row] for row in split.test]

    def test_one_seed_gives_one_answer(self, data: TargetData, settings: Target, splits: list[Split]) -> None:
        features = self.good_features(data)
        first, again = (evaluate(data, settings, splits, features, SEED) for _ in range(2))
        assert first.scores == again.scores
        pd.testing.assert_frame_equal(first.predictions, again.predictions)

    def test_a_split_is_scored_alike_alone(self, data: TargetData, settings: Target, splits: list[Split]) -> None:
        features = self.good_features(data)
        together = evaluate(data, settings, splits, features, SEED).scores
        alone = evaluate(data, settings, splits[1:2], features, SEED).scores
        assert alone == together[len(alone) : 2 * len(alone)]

    def test_better_features_score_better_and_noise_is_near_chance(
        self, data: TargetData, settings: Target, splits: list[Split]
    ) -> None:
        good = self.good_features(data)
        noise = np.random.default_rng(4).normal(size=good.shape)
        blurred = good + 2 * good.std() * noise
        scores = [self.mean_score(data, settings, splits, features) for features in (good, blurred, noise)]
        assert scores[0] > scores[1] > scores[2]
        assert abs(scores[2] - self.chance) < self.leeway, scores

    def test_the_order_of_rows_in_the_tables_does_not_matter(
        self, data: TargetData, settings: Target, splits: list[Split]
    ) -> None:
        good = self.good_features(data)
        for name in self.tables:
            path = getattr(settings, name)
            pd.read_csv(path, dtype=str).sample(frac=1, random_state=2).to_csv(path, index=False)
        shuffled = read_target(settings, "liked")
        assert shuffled.track_ids == data.track_ids
        again = target_splits(shuffled, settings, study_seed=1, name="liked")
        assert (
            evaluate(data, settings, splits, good, SEED).scores
            == evaluate(shuffled, settings, again, good, SEED).scores
        )

    def test_features_that_are_not_finite_are_an_outcome(
        self, data: TargetData, settings: Target, splits: list[Split]
    ) -> None:
        features = self.good_features(data)
        features[3, 1] = np.nan
        found = evaluate(data, settings, splits, features, SEED)
        assert {score.outcome for score in found.scores} == {"non-finite representation"}
        assert all(np.isnan(score.score) for score in found.scores)
        assert found.predictions.empty

    def test_constant_features_still_give_a_score(
        self, data: TargetData, settings: Target, splits: list[Split]
    ) -> None:
        scores = evaluate(data, settings, splits, np.full((len(data.track_ids), 3), 7.1, np.float32), SEED).scores
        scored = {(score.repeat, score.fold) for score in scores if score.outcome == "ok"}
        assert scored == {(split.repeat, split.fold) for split in splits}
        assert {score.outcome for score in scores} <= {"ok", "undefined metric"}

    def test_features_must_have_one_row_for_each_track(
        self, data: TargetData, settings: Target, splits: list[Split]
    ) -> None:
        with pytest.raises(ValueError, match="one row for each track"):
            evaluate(data, settings, splits, self.good_features(data)[:-1], SEED)

    def test_the_units_of_features_do_not_matter(self, data: TargetData, settings: Target, splits: list[Split]) -> None:
        assert settings.features == "standardised"
        good = self.good_features(data)
        scaled = 1024 * good + 512  # powers of two: exact but for the shift
        first, second = (self.mean_score(data, settings, splits, features) for features in (good, scaled))
        assert first == pytest.approx(second, abs=0.05)

    def test_values_are_frozen(self, data: TargetData, splits: list[Split]) -> None:
        with pytest.raises(AttributeError):
            data.track_ids = ()
        assert replace(splits[0], repeat=9).repeat == 9


class TrackLabelContract(TargetContract):
    """Of classification and regression: a network trained on for the target is scored as a probe is."""

    @pytest.fixture
    def weights(self, tmp_path: Path) -> Path:
        network = build_network("MS-CR@4", {"tag": 4, "self": None}, 1, 32, 0.1, seed=SEED)
        save_weights(tmp_path / "weights.safetensors", network, (np.full(32, -40.0), np.full(32, 10.0)), {})
        return tmp_path / "weights.safetensors"

    @pytest.fixture
    def sound(self, data: TargetData) -> MelStore:
        """Two crops a track, each band at the level that a good feature has."""
        return sound_of(data.track_ids, self.good_features(data))

    def fine_tuned(
        self, weights: Path, sound: MelStore, data: TargetData, splits: list[Split], **changed: Any
    ) -> pd.DataFrame:
        settings = FineTuning(**{"epochs": 1, "batch_size": 16, "learning_rate": 0.003} | changed)
        return fine_tune(weights, sound, 63, data, splits, settings, 1e-6, SEED)

    def test_a_fine_tuned_network_predicts_every_test_item_of_every_split(
        self, data: TargetData, settings: Target, splits: list[Split], weights: Path, sound: MelStore
    ) -> None:
        found = self.fine_tuned(weights, sound, data, splits)
        assert list(found) == ["repeat", "fold", "track_id", "label", "prediction"] and not found.isna().any(axis=None)
        for split in splits:
            rows = found.query("repeat == @split.repeat and fold == @split.fold")
            assert list(rows["track_id"]) == [data.track_ids[row] for row in split.test]
            assert list(rows["label"]) == list(data.labels[split.test])
        scores = evaluate_predictions(data, settings, splits, found).scores
        keys = [(score.repeat, score.fold, score.metric) for score in scores]
        assert keys == [(s.repeat, s.fold, metric) for s in splits for metric in settings.metric_names]
        assert {score.outcome for score in scores} <= {"ok", "undefined metric"}

        alone = self.fine_tuned(weights, sound, data, splits[1:2])
        same = found.query(f"repeat == {splits[1].repeat} and fold == {splits[1].fold}").reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, same)  # one seed, one answer, whatever else is fine-tuned

    def test_fine_tuning_that_diverges_is_an_outcome(
        self, data: TargetData, settings: Target, splits: list[Split], weights: Path, sound: MelStore
    ) -> None:
        found = self.fine_tuned(weights, sound, data, splits[:1], learning_rate=1e30)
        assert found.empty
        scores = evaluate_predictions(data, settings, splits[:1], found).scores
        assert {score.outcome for score in scores} == {"diverged"} and all(np.isnan(score.score) for score in scores)


def sound_of(track_ids: tuple[str, ...], features: np.ndarray) -> MelStore:
    """A mel store in memory in which a track's 126 frames have its features (n_tracks, d) as levels of their bands,
    neighbouring bands of 32 alike."""
    n = len(track_ids)
    levels = np.clip((features - features.mean(axis=0)) / features.std(axis=0), -3, 3)
    bands = levels[:, np.arange(32) * levels.shape[1] // 32]
    codes = np.repeat(np.rint(128 + 40 * bands).astype(np.uint8)[:, None], 126, axis=1).reshape(-1, 1, 32)
    return memory_store([126] * n, codes=codes, track_ids=track_ids)
