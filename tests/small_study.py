"""A study small enough to run whole in a test: tones that a source and a target ask for, written as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from study.core.errors import InputFaults
from study.core.reading import read_study

RATE_HZ = 8000
STUDY = """schema = 1

[study]
name = "small"
seed = 5

[corpus]
tracks = "tracks.csv"
sample_rate_hz = 8000
channels = 1

[mel]
n_fft = 256
hop_samples = 64
n_mels = 32
crop_s = 0.5

[sources.self]
labels = "self"
[sources.pitch]
labels = "gmm"
table = "pitch.csv"
factors = 4
[sources.tag]
labels = "plsa"
table = "tags.csv"
factors = 3

[training]
epochs = 1
batch_size = 8
learning_rate = 0.001
width = 0.125

[targets.timbre]
task = "classification"
tracks = "timbre.csv"
probe = "knn"
repeats = 2
[targets.height]
task = "regression"
tracks = "height.csv"
probe = "knn"
repeats = 2
[targets.plays]
task = "recommendation"
tracks = "heard.csv"
interactions = "plays.csv"
repeats = 2
metrics = ["ndcg@10", "ndcg@10_heldout"]

[baselines]
random = 2

[[design.phase]]
name = "single"
strategy = ["SS-R"]
n_sources = [1]
repeats = 2
[[design.phase]]
name = "all"
strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]
n_sources = [3]
[[design.phase]]
name = "sequential"
strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]
n_sources = [2]
criterion = "anytime"
"""


def write_small_study(folder: Path, n_corpus: int = 24, n_target: int = 20, seed: int = 3) -> Path:
    """Write the study file, its sound and its tables; the folder."""
    rng = np.random.default_rng(seed)
    (folder / "sound").mkdir(parents=True)
    tracks = pd.DataFrame([_tone(folder, f"c{number:02d}", rng) for number in range(n_corpus)])
    tracks[["track_id", "path"]].to_csv(folder / "tracks.csv", index=False)
    tracks.assign(value=tracks["pitch_hz"])[["track_id", "value"]].to_csv(folder / "pitch.csv", index=False)
    tags = [
        (track.track_id, word, 1.0)
        for track in tracks.itertuples() for word in (track.timbre, "high" if track.pitch_hz > 500 else "low", "sound")
    ]  # fmt: skip
    pd.DataFrame(tags, columns=["track_id", "term", "weight"]).to_csv(folder / "tags.csv", index=False)

    items = pd.DataFrame([_tone(folder, f"t{number:02d}", rng) for number in range(n_target)])
    items.assign(label=items["timbre"])[["track_id", "path", "label"]].to_csv(folder / "timbre.csv", index=False)
    items.assign(label=items["pitch_hz"])[["track_id", "path", "label"]].to_csv(folder / "height.csv", index=False)
    items[["track_id", "path"]].to_csv(folder / "heard.csv", index=False)
    plays = [
        (f"u{user:02d}", item.track_id, int(rng.integers(1, 9)))
        for user in range(12) for item in items.itertuples()
        if rng.random() < (0.8 if user % 2 == item.Index % 2 else 0.4)
    ]  # fmt: skip
    pd.DataFrame(plays, columns=["user_id", "track_id", "count"]).to_csv(folder / "plays.csv", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


def _tone(folder: Path, track_id: str, rng: np.random.Generator) -> dict[str, object]:
    """A second of a tone, bright or dull, at a random pitch, with a little noise."""
    import soundfile  # here, so that tests without sound run in a base install

    pitch_hz = float(np.round(rng.uniform(200, 900), 1))
    timbre = ("bright", "dull")[int(track_id[1:]) % 2]
    seconds = np.arange(RATE_HZ) / RATE_HZ
    partials = range(1, 5) if timbre == "bright" else (1,)
    sound = sum(np.sin(2 * np.pi * pitch_hz * partial * seconds) / partial for partial in partials)
    sound = 0.2 * sound + 0.01 * rng.standard_normal(RATE_HZ)
    path = Path("sound") / f"{track_id}.wav"
    soundfile.write(folder / path, sound, RATE_HZ)
    return {"track_id": track_id, "path": str(path), "pitch_hz": pitch_hz, "timbre": timbre}


def faults_of(folder: Path, added: str) -> str:
    """The faults that reading the small study's file gives once this text is added to it; there must be some."""
    (folder / "study.toml").write_text(STUDY + added, encoding="utf-8")
    with pytest.raises(InputFaults) as caught:
        read_study(folder)
    return str(caught.value)
