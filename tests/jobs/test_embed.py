"""Any sound by a trained network: the study's own vectors to the bit, and real recordings without a study."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from jobs.embed import embed
from jobs.learning.representation import represent, save_weights
from jobs.networks.branching import build_network
from jobs.preparation import prepare
from jobs.prepared_data import open_sound, read_prepared
from jobs.steps import Step, execute
from study.core.errors import InputFaults
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.run import baseline_runs
from tests.test_bad_input import study

RECORDINGS = Path(__file__).parents[2] / "../shared/corpora/librosa"


@pytest.fixture
def copy(run_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The finished small study, as the current folder."""
    folder = Path(shutil.copytree(run_study, tmp_path / "copy"))
    monkeypatch.chdir(folder)
    return folder


def vectors(path: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(path)
    assert table.column_names == ["path", "run_id", "duration_s", "n_crops", "representation"]
    assert table.schema.field("representation").type.value_type == pa.float32()
    return dict(zip(table["path"].to_pylist(), np.array(table["representation"].to_pylist(), np.float32), strict=True))


def test_the_vectors_of_the_study_to_the_bit_in_any_company(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    given = read_study(copy)
    for run in (baseline_runs(given)[1], read_plan(Paths(copy).plan, given)[-1]):
        assert execute(given, Step("learn", run, ("timbre",))).failure is None
        store = open_sound(given, read_prepared(given).targets["timbre"].sound)
        key = read_prepared(given).targets["timbre"].sound
        own = np.load(Paths(copy).representations(run.run_id) / f"{key}.npy")
        some = [f"sound/{name}.wav" for name in ("t07", "t00", "t12")]
        status, _, err = study(capfd, "embed", run.run_id[:12], *some, "--out", "three.parquet")
        assert status == 0 and "3 of 3 sounds" in err
        found = vectors(copy / "three.parquet")
        assert list(found) == some
        for path, vector in found.items():
            np.testing.assert_array_equal(vector, own[store.positions([Path(path).stem])[0]])
    table = pq.read_table(copy / "three.parquet").to_pandas()
    assert set(table["run_id"]) == {run.run_id} and set(table["n_crops"]) == {2} and set(table["duration_s"]) == {1.0}


def test_real_recordings_by_weights_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Speech, a whale, a trumpet and a dog; a broken file, a short one and a text among them."""
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not beside this checkout")
    network = build_network("MS-CR@4", {"a": 4, "b": None}, width=0.125, seed=np.random.SeedSequence(2))
    mel = {"n_fft": 1024, "hop_samples": 256, "n_mels": 128, "crop_s": 2.5, "store": "uint8"}
    described = {"run_id": "ab" * 8, "sample_rate_hz": 22050, "channels": 2, "mel": mel}
    save_weights(tmp_path / "weights.safetensors", network, (np.full(128, -40.0), np.full(128, 15.0)), described)
    folder = tmp_path / "sounds"
    (folder / "deep").mkdir(parents=True)
    names = ["198-209-0000.ogg", "glacier-bay-humpback.ogg", "sorohanro_-_solo-trumpet-06.ogg", "pibble.ogg"]
    for name in names:
        shutil.copy(RECORDINGS / name, folder / "deep" / name)
    (folder / "broken.wav").write_bytes(b"RIFF, but not sound")
    (folder / "notes.txt").write_text("no sound")
    soundfile.write(folder / "short.flac", np.full(11025, 0.1), 22050)

    out = tmp_path / "out.parquet"
    status, _, err = study(capfd, "embed", str(tmp_path), str(folder), "--out", str(out))
    assert status == 1 and f"{len(names)} of {len(names) + 2} sounds" in err
    assert (
        "broken.wav: sound" in err
        and "short.flac: duration_s = 0.5: shorter than a crop; expected 2.5 s or more, or --pad" in err
    )
    assert "notes" not in err
    found = vectors(out)
    assert [Path(path).name for path in found] == sorted(names)
    values = np.stack(list(found.values()))
    assert values.shape == (4, 2 * network.representation_dim) and np.isfinite(values).all()
    distances = np.linalg.norm(values[:, None] - values, axis=2)
    assert (distances[~np.eye(4, dtype=bool)] > 5e-4).all(), "four recordings, four vectors"
    durations_s = dict(zip(map(Path, found), pq.read_table(out)["duration_s"].to_pylist(), strict=True))
    assert durations_s[folder / "deep" / "pibble.ogg"] == pytest.approx(
        soundfile.info(RECORDINGS / "pibble.ogg").duration
    )


def test_sound_shorter_than_a_crop_is_padded_where_asked(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As the study itself does with a target's short clips: the vector of the file is that of the clip, to the bit."""
    sound, rate_hz = soundfile.read("sound/t07.wav", dtype="float32")
    soundfile.write("sound/t07.wav", sound[: rate_hz // 3], rate_hz, subtype="FLOAT")
    given = read_study(copy)
    prepared = prepare(given)
    run = baseline_runs(given)[1]
    shutil.rmtree(Paths(copy).run(run.run_id) / "representations", ignore_errors=True)
    assert execute(given, Step("learn", run, ("timbre",))).failure is None
    key = prepared.targets["timbre"].sound
    own = np.load(Paths(copy).representations(run.run_id) / f"{key}.npy")
    some = ["sound/t07.wav", "sound/t00.wav"]
    status, _, err = study(capfd, "embed", run.run_id, *some, "--out", "left.parquet")
    assert status == 1 and "1 of 2 sounds" in err and "or --pad" in err
    status, _, err = study(capfd, "embed", run.run_id, *some, "--out", "padded.parquet", "--pad")
    assert status == 0 and "2 of 2 sounds" in err
    store = open_sound(given, key)
    for path, vector in vectors(copy / "padded.parquet").items():
        np.testing.assert_array_equal(vector, own[store.positions([Path(path).stem])[0]])


def test_many_sounds_that_are_left_out_are_listed_in_a_file(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(8):
        Path(f"broken{number}.wav").write_bytes(b"RIFF, but not sound")
    run_id = baseline_runs(read_study(copy))[1].run_id
    broken = [f"broken{number}.wav" for number in range(8)]
    for some, last_line in ((["sound/t00.wav"], "all 8 faults are listed in x-faults.csv"), ([], "no sound is left")):
        status, _, err = study(capfd, "embed", run_id, *some, *broken, "--out", "x.parquet")
        assert status == 1 and last_line in err.splitlines()[-1]
        assert "broken4.wav" in err and "broken5.wav" not in err and "3 more: sound" in err
        assert list(pd.read_csv("x-faults.csv")["file"]) == broken
    status, _, _ = study(capfd, "embed", run_id, "sound/t00.wav", "--out", "x.parquet")
    assert status == 0 and not Path("x-faults.csv").exists()


def test_a_vector_that_is_not_finite_is_told_and_left_out(
    copy: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def blown_up(network, store, *settings) -> np.ndarray:
        vectors = represent(network, store, *settings)
        vectors[store.positions(["sound/t00.wav"]), 3] = np.inf
        return vectors

    monkeypatch.setattr("jobs.embed.represent", blown_up)
    run_id = baseline_runs(read_study(copy))[1].run_id
    some = [f"sound/{name}.wav" for name in ("t07", "t00", "t12")]
    status, _, err = study(capfd, "embed", run_id, *some, "--out", "two.parquet")
    assert status == 1 and "2 of 3 sounds" in err and "sound/t00.wav: representation: not finite" in err
    found = vectors(copy / "two.parquet")
    assert list(found) == [some[0], some[2]] and all(np.isfinite(vector).all() for vector in found.values())
    status, _, err = study(capfd, "embed", run_id, some[1], "--out", "none.parquet")
    assert status == 1 and "no sound is left" in err and not Path("none.parquet").exists()


def test_nothing_readable_leaves_nothing(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("broken.ogg").write_bytes(b"OggS, and no more")
    run_id = baseline_runs(read_study(copy))[1].run_id
    status, _, err = study(capfd, "embed", f"runs/{run_id}", "broken.ogg", "--out", "x.parquet")
    assert status == 1 and "broken.ogg" in err and not Path("x.parquet").exists()


def test_everything_wrong_with_the_usage_is_told_at_once(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    status, _, err = study(capfd, "embed", "0000", "no.wav", "empty", "--out", "sound")
    assert status == 2
    assert all(what in err for what in ("RUN = '0000': no such run", "no.wav: no such", "empty: no sound files in",
                                        "--out = 'sound': is a folder"))  # fmt: skip
    status, _, err = study(capfd, "embed", "runs", "soud", "--out", "x.csv")
    assert status == 2
    assert all(what in err for what in ("soud: no such file or folder; did you mean 'sound'?",
                                        "--out = 'x.csv': expected a name that ends in .parquet"))  # fmt: skip


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ("MFCC", "is the baseline MFCC, which has no network"),
        ("SS-R", "has no weights: it has not been trained yet"),
        ("sound", "or its folder (MFCC and diverged runs have none)"),
        ("runs/none/weights.safetensors", "or its folder (MFCC and diverged runs have none)"),
        ("study.toml", "not the weights of a run"),
    ],
)
def test_a_run_that_is_none_is_told(copy: Path, capfd: pytest.CaptureFixture[str], run: str, told: str) -> None:
    given = read_study(copy)
    by_strategy = {one.strategy: one.run_id for one in baseline_runs(given) + read_plan(Paths(copy).plan, given)}
    Paths(copy).weights(by_strategy["SS-R"]).unlink()
    status, _, err = study(capfd, "embed", by_strategy.get(run, run), "sound", "--out", "x.parquet")
    assert status == 2 and told in err


def test_a_beginning_that_two_runs_share_is_told(copy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    firsts = Counter(path.name[0] for path in Paths(copy).runs.iterdir() if path.is_dir())
    ((first, count),) = firsts.most_common(1)  # 18 runs, 16 digits
    status, _, err = study(capfd, "embed", first, "sound", "--out", "x.parquet")
    assert status == 2 and f"matches {count} runs" in err


def test_a_run_id_outside_a_study_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from study.commands.embed import embed as command

    with pytest.raises(InputFaults, match=r"for a run_id, run this in a study folder"):
        command("0123456789abcdef", [tmp_path], tmp_path / "x")


def test_long_series_are_embedded_in_groups(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = Paths(copy).weights(baseline_runs(read_study(copy))[1].run_id)
    sounds = sorted((copy / "sound").glob("c*.wav"))
    assert not embed(weights, sounds, copy / "one.parquet")
    monkeypatch.setattr("jobs.embed.GROUP_CROPS", 5)
    assert not embed(weights, sounds, copy / "groups.parquet")
    assert pq.read_table(copy / "groups.parquet").equals(pq.read_table(copy / "one.parquet"))
    assert pq.ParquetFile(copy / "groups.parquet").num_row_groups == 8
