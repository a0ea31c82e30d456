"""What rots in a store is found when it is used, and made again: the rows are those of an undisturbed sweep."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.evaluate_step import _keep_representation
from jobs.kept_representations import read_representation, save_representation
from jobs.learning.representation import load_network
from jobs.prepared_data import corpus_path, labels_path, prepared_of, read_arrays, read_prepared, sound_folder
from jobs.records import read_attempts, read_trained
from jobs.sound.content_hashes import content_hashes
from jobs.sound.mel_store import check_frames, read_mel_store
from study.core.digests import read
from study.core.errors import Damaged, InputFaults, StudyError
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.run import Run
from study.core.study_file import Study
from study.workflow.analysis import _of_sound, own_results
from study.workflow.launch import LaunchOptions, launch_study
from study.workflow.verify import is_sound, verify_study

TIMES = ["attempt", "train_seconds", "eval_seconds", "started_at", "finished_at"]
KEY = ["run_id", "target", "repeat", "fold", "metric"]


@pytest.fixture
def study(run_study: Path, tmp_path: Path) -> Study:
    return read_study(shutil.copytree(run_study, tmp_path / "study"))


@pytest.fixture
def run(study: Study) -> Run:
    return read_plan(Paths(study.store).plan, study)[0]


def rows(study: Study) -> pd.DataFrame:
    return own_results(study).drop(columns=TIMES).sort_values(KEY, ignore_index=True)


def flip(path: Path, bit: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    bit = 4 * len(content) if bit is None else bit
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def files(study: Study, run: Run) -> dict[str, Path]:
    """One of each kind that a run needs."""
    paths, prepared = Paths(study.store), read_prepared(study)
    store = sound_folder(study, prepared.targets["timbre"].sound)
    return {
        "weights": paths.weights(run.run_id), "record": paths.trained(run.run_id),
        "labels": labels_path(study, "pitch", prepared.sources["pitch"]),
        "corpus": corpus_path(study, prepared.corpus_fingerprint), "frames": store / "frames.npy",
        "index": store / "index.parquet", "settings": store / "store.json",
        "prepared": paths.prepared / "prepared.json",
    }  # fmt: skip


@pytest.mark.parametrize("kinds", [("weights", "frames", "labels"), ("record", "index", "corpus"), ("settings",)])
def test_damage_is_made_good_within_a_launch(study: Study, run: Run, kinds: tuple[str, ...]) -> None:
    before, paths = rows(study), Paths(study.store)
    shutil.rmtree(paths.results / run.run_id)  # so that the run is evaluated again
    damaged = [files(study, run)[kind] for kind in kinds]
    for path in damaged:
        flip(path)
    found = {study.store / finding["file"] for finding in verify_study(study)["damaged"]}
    assert found == set(damaged)
    launch_study(study, LaunchOptions(in_process=True))
    pd.testing.assert_frame_equal(rows(study), before, check_exact=True)
    assert is_sound(verify_study(study))
    aside = {path.name for path in paths.run(run.run_id).glob("*.damaged")}
    assert aside == {"weights": {"weights.safetensors.damaged", "trained.json.damaged"},
                     "record": {"trained.json.damaged"}}.get(kinds[0], set())  # fmt: skip
    causes = [attempt.cause for attempt in read_attempts(paths, run.run_id)]
    assert ("damaged" in causes) == (kinds[0] != "settings")


def test_a_damaged_representation_is_made_again(study: Study, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the steps: as soon as it is written."""
    before = rows(study)
    shutil.rmtree(Paths(study.store).results / run.run_id)
    flipped = []

    def save_and_rot(path: Path, vectors: np.ndarray) -> None:
        save_representation(path, vectors)
        if not flipped:
            flipped.append(path)
            flip(path)

    monkeypatch.setattr("jobs.learn_step.save_representation", save_and_rot)
    launch_study(study, LaunchOptions(in_process=True))
    assert flipped
    pd.testing.assert_frame_equal(rows(study), before, check_exact=True)


def test_a_damaged_representation_that_was_kept_is_named_and_left_out(study: Study, run: Run) -> None:
    features = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    folder = Paths(study.store).target(run.run_id, "timbre")
    _keep_representation(folder, [f"t{number}" for number in range(6)], features)
    Paths(study.store).weights(run.run_id).unlink()  # whose layers are of another width
    said: list[str] = []
    kept = _of_sound(study, said.append)["kept"]
    assert len(kept(run.run_id, "timbre")) == 6 and not said
    flip(folder / "representation.parquet")
    assert kept(run.run_id, "timbre") is None
    (sentence,) = said
    assert (
        sentence.startswith(f"left out: {folder / 'representation.parquet'}: damaged")
        and "makes both again" in sentence
    )


def test_weights_that_are_gone_are_trained_again(study: Study, run: Run) -> None:
    before = rows(study)
    shutil.rmtree(Paths(study.store).results / run.run_id)
    Paths(study.store).weights(run.run_id).unlink()
    launch_study(study, LaunchOptions(in_process=True))
    pd.testing.assert_frame_equal(rows(study), before, check_exact=True)


def test_a_disk_that_damages_all_that_it_stores_does_not_hold_a_launch_up(
    study: Study, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(Paths(study.store).results / run.run_id)

    def save_and_rot(path: Path, vectors: np.ndarray) -> None:
        save_representation(path, vectors)
        flip(path)

    monkeypatch.setattr("jobs.learn_step.save_representation", save_and_rot)
    with pytest.raises(StudyError, match=r"failed \(damaged\): .*the launch makes it again"):
        launch_study(study, LaunchOptions(in_process=True))


def test_a_damaged_plan_ends_the_launch_with_the_remedy(study: Study) -> None:
    flip(Paths(study.store).plan)
    with pytest.raises(InputFaults, match=r"plan.parquet: damaged, .*`study design` with the same budget"):
        launch_study(study, LaunchOptions(in_process=True))


def readers(study: Study, run: Run) -> dict[str, tuple[Path, Callable[[], object]]]:
    """Each kind of file, and what is read from it, for comparison."""
    paths, of = Paths(study.store), files(study, run)
    vectors = paths.representations(run.run_id) / "vectors.npy"
    save_representation(vectors, np.random.default_rng(1).normal(size=(20, 64)).astype(np.float32))
    cache = paths.prepared / "sound" / "content_hashes.parquet"

    def frames() -> object:
        store = read_mel_store(of["frames"].parent)
        check_frames(store, np.arange(len(store)))
        parts = (store.frames, store.first_frame, store.n_frames, store.n_sound_frames, store.peak_db)
        return [part.tobytes() for part in parts], list(store.track_ids), store.counts

    def weights() -> object:
        network, statistics, description = load_network(of["weights"])
        tensors = [tensor.numpy().tobytes() for tensor in network.state_dict().values()]
        return tensors, [values.tobytes() for values in statistics], description

    def arrays(path: Path) -> object:
        return {name: array.tobytes() for name, array in read_arrays(path).items()}

    return {
        "weights": (of["weights"], weights), "frames": (of["frames"], frames), "index": (of["index"], frames),
        "settings": (of["settings"], frames), "labels": (of["labels"], partial(arrays, of["labels"])),
        "corpus": (of["corpus"], partial(arrays, of["corpus"])),
        "record": (of["record"], lambda: read_trained(paths, run.run_id)),
        "prepared": (of["prepared"], lambda: read(of["prepared"], prepared_of, "again")),
        "plan": (paths.plan, lambda: read_plan(paths.plan, study)),
        "representation": (vectors, lambda: read_representation(vectors).tobytes()),
        "hashes": (cache, lambda: content_hashes(sorted(study.corpus.tracks.parent.glob("sound/*")), cache)),
    }  # fmt: skip


def flips(path: Path, look: Callable[[], object], n: int, seed: int) -> dict[str, int]:
    """What comes of single flipped bits: found, the same as before (an unused byte), or another content."""
    whole, before = path.read_bytes(), look()
    counts = {"found": 0, "the same": 0, "ANOTHER": 0}
    for bit in np.random.default_rng(seed).choice(8 * len(whole), min(n, 8 * len(whole)), replace=False):
        flip(path, int(bit))
        try:
            counts["the same" if look() == before else "ANOTHER"] += 1
        except (Damaged, InputFaults):
            counts["found"] += 1
        path.write_bytes(whole)
    return counts


FEWER = {"frames": 120, "settings": 120, "hashes": 20}
"""These take longer."""


@pytest.mark.slow
def test_no_flipped_bit_is_taken_for_the_content(study: Study, run: Run) -> None:
    """2,800 in all; `test_valid_results` has 300 of results. `python -m benchmarks.bit_flips` has 30,000."""
    for number, (kind, (path, look)) in enumerate(readers(study, run).items()):
        counts = flips(path, look, FEWER.get(kind, 320), number)
        assert counts["ANOTHER"] == 0, kind
        assert counts["found"] > 0 or kind == "hashes", kind
