"""A study of real recordings: the Free Spoken Digit Dataset, 3,000 spoken digits of six speakers at 8 kHz.

Sources: self, tag (a noisy bag of speaker and digit words), duration (a scalar). Targets: digit, speaker, duration.
Learned from takes 10-49; probes learn from takes 5-9 and are tested on takes 0-4, the data set's own test split.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
JUNK = ("seen live", "favourite", "my list", "to check", "voice", "short", "noise")

STUDY = """schema = 1

[study]
name = "fsdd"
seed = {seed}

[corpus]
tracks = "tracks.csv"
sample_rate_hz = 8000
channels = 1

[mel]
n_fft = 256
hop_samples = 32
n_mels = 40
crop_s = 0.25

[sources.self]
labels = "self"
[sources.tag]
labels = "plsa"
table = "tags.csv"
factors = 16
[sources.duration]
labels = "gmm"
table = "duration.csv"
factors = 16

[training]
epochs = {epochs}
batch_size = 32
learning_rate = 0.001
width = {width}

[targets.digit]
task = "classification"
tracks = "digit.csv"
repeats = {repeats}
[targets.speaker]
task = "classification"
tracks = "speaker.csv"
repeats = {repeats}
[targets.duration]
task = "regression"
tracks = "seconds.csv"
repeats = {repeats}

[[design.phase]]
name = "single"
strategy = ["SS-R"]
n_sources = [1]
repeats = {single}
[[design.phase]]
name = "all"
strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]
n_sources = [3]
repeats = {all}
[[design.phase]]
name = "sequential"
strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]
n_sources = [2]
criterion = "anytime"
"""


def write_study(
    folder: Path, recordings: Path, *, takes_learned: range = range(10, 50),
    probed_takes: range = range(10), epochs: int = 8, width: float = 0.25,
    single: int = 2, all_sources: int = 1, repeats: int = 3, seed: int = 7,
) -> None:  # fmt: skip
    """Write the study file and its tables to `folder`; `recordings` holds `{digit}_{speaker}_{take}.wav`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows = []
    for path in sorted(Path(recordings).resolve().glob("*.wav")):
        digit, speaker, take = path.stem.split("_")
        rows.append((path.stem, str(path), DIGITS[int(digit)], speaker, int(take), soundfile.info(path).duration))
    clips = pd.DataFrame(rows, columns=["track_id", "path", "digit", "speaker", "take", "seconds"])
    learned = clips[clips["take"].isin(takes_learned)]
    learned[["track_id", "path"]].to_csv(folder / "tracks.csv", index=False)
    learned.rename(columns={"seconds": "value"})[["track_id", "value"]].to_csv(folder / "duration.csv", index=False)
    noisy_tags(learned, rng).to_csv(folder / "tags.csv", index=False)

    probed = clips[clips["take"].isin(probed_takes)].copy()
    probed["split"] = np.where(probed["take"] < 5, "test", "train")
    for name, label in (("digit", "digit"), ("speaker", "speaker"), ("seconds", "seconds")):
        target = probed.assign(label=probed[label])[["track_id", "path", "label", "split"]]
        target.to_csv(folder / f"{name}.csv", index=False)
    settings = {
        "seed": seed,
        "epochs": epochs,
        "width": width,
        "single": single,
        "all": all_sources,
        "repeats": repeats,
    }
    (folder / "study.toml").write_text(STUDY.format(**settings), encoding="utf-8")


def noisy_tags(clips: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Three words for the digit and two for the speaker, each wrong in one of ten, and junk that says nothing."""
    speakers = sorted(clips["speaker"].unique())
    rows = []
    for clip in clips.itertuples():
        digit = clip.digit if rng.random() > 0.1 else rng.choice(DIGITS)
        speaker = clip.speaker if rng.random() > 0.1 else rng.choice(speakers)
        rows += [(clip.track_id, digit, 3), (clip.track_id, speaker, 2)]
        rows += [(clip.track_id, word, 1) for word in rng.choice(JUNK, 2, replace=False)]
    return pd.DataFrame(rows, columns=["track_id", "term", "weight"])
