from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from torch import Tensor

from jobs.sound import mel_store, mel_writing
from jobs.sound.decode import decode
from jobs.sound.mel_store import MelStore, band_statistics, check_frames, crop_decibels, gather_codes, read_mel_store
from jobs.sound.mel_writing import write_mel_store
from jobs.sound.spectra import mel_db
from study.core.errors import Damaged, InputFaults
from study.core.sections import Mel

MEL = Mel(n_fft=512, hop_samples=128, n_mels=32)
RATE_HZ, CROP = 8000, 60
SECONDS = {"long": 3.0, "short": 0.4, "mono": 2.0, "surround": 1.5}


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("sound")
    rng = np.random.default_rng(3)
    channels = {"long": 2, "short": 2, "mono": 1, "surround": 4}
    for name, seconds in SECONDS.items():
        shape = (int(seconds * RATE_HZ), channels[name])
        swell = np.linspace(0.01, 0.3, shape[0])[:, None]
        soundfile.write(folder / f"{name}.flac", rng.standard_normal(shape).clip(-3, 3) * swell, RATE_HZ)
    return pd.DataFrame({"track_id": list(SECONDS), "path": [folder / f"{name}.flac" for name in SECONDS]})


@pytest.fixture(scope="module")
def store(tracks: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> MelStore:
    return write_mel_store(tmp_path_factory.mktemp("prepared") / "corpus", tracks, RATE_HZ, 2, MEL, CROP)


def crops(store: MelStore, tracks: Sequence[int], starts: Sequence[int]) -> Tensor:
    return crop_decibels(*gather_codes(store, tracks, starts, CROP))


def _decibels(tracks: pd.DataFrame, track: int) -> np.ndarray:
    return mel_db(decode(tracks["path"][track], RATE_HZ, 2), RATE_HZ, MEL)


def test_a_clip_comes_back_within_rounding(tracks: pd.DataFrame, store: MelStore) -> None:
    assert list(store.track_ids) == list(tracks["track_id"])
    assert store.frames.dtype == np.uint8
    for track in (0, 2, 3):
        exact = _decibels(tracks, track)
        crop = crops(store, [track], [7])[0].numpy()
        assert crop.shape == (2, CROP, 32)
        np.testing.assert_allclose(crop, exact[7 : 7 + CROP].transpose(1, 0, 2), atol=80 / 255 / 2 + 1e-4)


def test_float16_is_closer(tracks: pd.DataFrame, tmp_path: Path) -> None:
    store = write_mel_store(tmp_path / "half", tracks, RATE_HZ, 2, MEL.model_copy(update={"store": "float16"}), CROP)
    assert store.frames.dtype == np.float16
    crop = crops(store, [0], [0])[0].numpy()
    np.testing.assert_allclose(crop, _decibels(tracks, 0)[:CROP].transpose(1, 0, 2), atol=0.032)


def test_what_was_done_is_counted(store: MelStore) -> None:
    counts = store.counts
    assert (counts.mono_doubled, counts.mixed_down, counts.padded, counts.dropped) == (1, 1, 1, 0)
    assert "1 mono clips doubled" in str(counts)


def test_short_clips_are_padded_by_their_floor(tracks: pd.DataFrame, store: MelStore) -> None:
    sound_frames = len(_decibels(tracks, 1))
    assert store.n_sound_frames[1] == sound_frames < CROP == store.n_frames[1]
    crop = crops(store, [1], [0])[0].numpy()
    np.testing.assert_allclose(crop[:, sound_frames:], store.peak_db[1] - 80, atol=1e-4)


def test_a_gather_is_the_crops_one_by_one(store: MelStore) -> None:
    rng = np.random.default_rng(0)
    tracks = rng.integers(0, len(store), 40)
    starts = rng.integers(0, store.n_frames[tracks] - CROP + 1)
    together = crops(store, tracks, starts)
    for crop, track, start in zip(together, tracks, starts, strict=True):
        first = store.first_frame[track] + start
        alone = store.frames[first : first + CROP].transpose(1, 0, 2) * (80 / 255) + store.peak_db[track] - 80
        np.testing.assert_allclose(crop.numpy(), alone, atol=1e-3)


@pytest.mark.parametrize("start", [-1, 1])
def test_a_crop_never_reaches_into_another_clip(store: MelStore, start: int) -> None:
    with pytest.raises(IndexError, match="exceeds its clip"):
        gather_codes(store, [1], [start], CROP)


def test_band_statistics_pool_channels_and_leave_padding_out(tracks: pd.DataFrame, store: MelStore) -> None:
    together = np.concatenate([_decibels(tracks, track).reshape(-1, 32).astype(float) for track in (1, 3)])
    mean, deviation = band_statistics(store, [1, 3])
    assert mean.dtype == deviation.dtype == np.float64
    np.testing.assert_allclose(mean, together.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(deviation, together.std(axis=0), atol=0.02)


def test_a_constant_band_has_deviation_zero(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros((8000, 2)), RATE_HZ)
    tracks = pd.DataFrame({"track_id": ["silence"], "path": [tmp_path / "silence.wav"]})
    store = write_mel_store(tmp_path / "store", tracks, RATE_HZ, 2, MEL, CROP)
    mean, deviation = band_statistics(store, [0])
    np.testing.assert_allclose(mean, -100)
    assert (deviation == 0).all()


def test_the_bytes_do_not_depend_on_the_number_of_workers(
    tracks: pd.DataFrame, store: MelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mel_writing, "CLIPS_A_WORKER", 1)
    write_mel_store(tmp_path / "two", tracks, RATE_HZ, 2, MEL, CROP, workers=2)
    for name in ("frames.npy", "index.parquet", "store.json"):
        assert (tmp_path / "two" / name).read_bytes() == (store.folder / name).read_bytes()


def test_unreadable_files_stop_all_of_them_named_and_leave_nothing(tracks: pd.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "broken.flac").write_bytes(b"fLaC and no more")
    paths = [tmp_path / "broken.flac", tmp_path / "absent.flac"]
    faulty = pd.concat([tracks, pd.DataFrame({"track_id": ["x", "y"], "path": paths})], ignore_index=True)
    with pytest.raises(InputFaults) as caught:
        write_mel_store(tmp_path / "prepared" / "store", faulty, RATE_HZ, 2, MEL, CROP)
    assert [Path(fault.file).name for fault in caught.value.faults] == ["broken.flac", "absent.flac"]
    assert [path.name for path in (tmp_path / "prepared").iterdir()] == ["content_hashes.parquet"]

    store = write_mel_store(tmp_path / "prepared" / "store", faulty, RATE_HZ, 2, MEL, CROP, on_broken="drop")
    assert list(store.track_ids) == list(SECONDS)
    assert store.counts.dropped == 2
    with pytest.raises(InputFaults, match="'x': expected a track of this mel store"):
        store.positions(["long", "x"])
    assert store.positions(["mono", "long"]).tolist() == [2, 0]

    with pytest.raises(InputFaults, match=r"broken\.flac"):  # nothing left: not a store of no clips
        write_mel_store(tmp_path / "none", faulty.iloc[[4, 5]], RATE_HZ, 2, MEL, CROP, on_broken="drop")


def test_a_store_is_replaced_whole(tracks: pd.DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    write_mel_store(folder, tracks, RATE_HZ, 2, MEL, CROP)
    assert list(write_mel_store(folder, tracks.iloc[[2]], RATE_HZ, 2, MEL, CROP).track_ids) == ["mono"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content_hashes.parquet", "store"]


@pytest.mark.parametrize("damage", [
    lambda folder: (folder / "index.parquet").unlink(),
    lambda folder: (folder / "frames.npy").write_bytes((folder / "frames.npy").read_bytes()[:-500]),
    lambda folder: pd.read_parquet(folder / "index.parquet").iloc[:1].to_parquet(folder / "index.parquet"),
    lambda folder: (folder / "store.json").write_text("{"),
])  # fmt: skip
def test_a_damaged_store_is_refused(tracks: pd.DataFrame, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    write_mel_store(tmp_path / "store", tracks.iloc[[1, 2]].reset_index(), RATE_HZ, 2, MEL, CROP)
    damage(tmp_path / "store")
    with pytest.raises(Damaged, match=r"damaged, .*`study prepare` makes it again"):
        read_mel_store(tmp_path / "store")


def test_a_store_is_on_disk_before_it_is_in_place(
    tracks: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its three files and its folder before it gets its name; then the folder that has the name, and those above."""
    synchronised: list[Path] = []
    fsync, rename = os.fsync, os.rename

    def noted(descriptor: int) -> None:
        synchronised.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def renamed(source: Path, to: Path) -> None:
        if to == folder:
            assert {path.suffix for path in synchronised if path.parent == source} == {".tmp"}
            assert len([path for path in synchronised if path.parent == source]) == 3 and source in synchronised
            synchronised.clear()
        rename(source, to)

    folder = tmp_path / "new" / "sound" / "store"
    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "rename", renamed)
    write_mel_store(folder, tracks.iloc[[1, 2]].reset_index(), RATE_HZ, 2, MEL, CROP)
    assert synchronised == [folder.parent]


def test_frames_are_checked_once_a_process(tracks: pd.DataFrame, tmp_path: Path) -> None:
    folder, hashed = tmp_path / "store", []
    write_mel_store(folder, tracks.iloc[[0, 1, 2]].reset_index(), RATE_HZ, 2, MEL, CROP)
    digest = mel_store.frames_digest
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mel_store, "frames_digest", lambda frames: hashed.append(len(frames)) or digest(frames))
        for _ in range(2):
            store = read_mel_store(folder)
            gather_codes(store, [0, 2, 0], [0, 0, 1], CROP)
        assert hashed == [store.n_frames[0], store.n_frames[2]]
        check_frames(store, np.arange(3))
        assert hashed[2:] == [store.n_frames[1]]


def test_a_damaged_clip_is_named_when_it_is_used(tracks: pd.DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    store = write_mel_store(folder, tracks.iloc[[0, 1, 2]].reset_index(), RATE_HZ, 2, MEL, CROP)
    content = bytearray((folder / "frames.npy").read_bytes())
    content[-1] ^= 1  # of the last clip
    (folder / "frames.npy").write_bytes(content)
    store = read_mel_store(folder)
    gather_codes(store, [0, 1], [0, 0], CROP)
    with pytest.raises(Damaged, match=rf"the frames of {store.track_ids[2]} are not what was written"):
        gather_codes(store, [0, 2], [0, 0], CROP)
    with pytest.raises(Damaged):
        mel_store.band_statistics(store, [2])
