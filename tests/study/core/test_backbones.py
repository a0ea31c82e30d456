"""What a study file is told of its backbones, and layers by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.core.backbones import BACKBONES
from study.core.backbones.layers import Convolution, Dense, Lstm
from study.core.errors import InputFaults
from study.core.reading import read_study
from study.core.sections import Corpus, Mel, Training
from study.core.study_checks import between_sections

STUDY = """schema = 1
[study]
name = "backbones"
seed = 1
[corpus]
tracks = "tracks.csv"
sample_rate_hz = {rate}
channels = 1
[mel]
n_fft = 512
n_mels = {bands}
crop_s = {crop_s}
{factors}
[training]
{training}
[sources.year]
labels = "gmm"
table = "year.csv"
[targets.genre]
task = "classification"
tracks = "genre.csv"
"""


def faults_of(folder: Path, crop_s: float, bands: int, training: str = "", factors: str = "") -> list[str]:
    text = STUDY.format(rate=12000, bands=bands, crop_s=crop_s, training=training, factors=factors)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    try:
        read_study(folder)
    except InputFaults as error:
        return [str(fault) for fault in error.faults]
    return []


def test_the_crop_of_choi_et_al_is_enough_for_all(tmp_path: Path) -> None:
    assert faults_of(tmp_path, 29.12, 128, factors=f"[factors]\nbackbone = {list(BACKBONES)}") == []
    assert faults_of(tmp_path, 29.12, 96, training='backbone = "k2c2"\nactivation = "elu"') == []
    assert faults_of(tmp_path, 2.5, 32) == []


def test_a_crop_too_small_for_the_backbone_is_told(tmp_path: Path) -> None:
    assert faults_of(tmp_path, 2.5, 64, training='backbone = "k2c2"') == [
        'study.toml: [mel] crop_s = 2.5: a crop has 118 frames, and [training] backbone = "k2c2" needs 1280; expected '
        "27.286 or more at this sample_rate_hz and hop_samples, or another backbone",
        'study.toml: [mel] n_mels = 64: [training] backbone = "k2c2" needs 96 or more',
    ]
    assert faults_of(tmp_path, 1.0, 96, factors='[factors]\nbackbone = ["base", "lstm"]') == [
        'study.toml: [mel] crop_s = 1.0: a crop has 47 frames, and [factors] backbone = "base" needs 63; expected '
        "1.323 or more at this sample_rate_hz and hop_samples, or another backbone"
    ]


def test_names_that_there_are_not_are_told_with_the_nearest(tmp_path: Path) -> None:
    assert faults_of(tmp_path, 29.12, 96, training='backbone = "k2c3"\nactivation = "rely"') == [
        "study.toml: [training] backbone = 'k2c3': expected 'base', 'k2c1', 'k1c2', 'k2c2', 'short-chunk', 'cnn4' or "
        "'lstm'; did you mean 'k2c2'?",
        "study.toml: [training] activation = 'rely': expected 'relu', 'elu' or 'gelu'; did you mean 'relu'?",
    ]
    [fault] = faults_of(tmp_path, 29.12, 96, factors='[factors]\nbackbone = ["base", "short_chunk"]')
    assert "short_chunk" in fault and "did you mean 'short-chunk'?" in fault


@given(
    rate=st.integers(4000, 192_000), hop=st.integers(16, 2048), name=st.sampled_from(sorted(BACKBONES)),
)  # fmt: skip
def test_the_seconds_that_are_told_are_enough(rate: int, hop: int, name: str) -> None:
    corpus = Corpus(tracks="t.csv", sample_rate_hz=rate, channels=2)
    sections = {"corpus": corpus, "training": Training(backbone=name), "factors": {}}
    mel = Mel(hop_samples=hop, n_mels=128, crop_s=0.001)
    told = [fault.expected for fault in between_sections(sections | {"mel": mel})]
    if told:
        [expected] = told
        [seconds] = re.findall(r"expected ([0-9.]+) or more", expected)
        enough = mel.model_copy(update={"crop_s": float(seconds)})
        assert list(between_sections(sections | {"mel": enough})) == []
        least, _ = BACKBONES[name].minimum_crop
        assert enough.crop_frames(rate) <= least + rate / 1000 / hop + 1  # and hardly more than enough
    else:
        assert BACKBONES[name].minimum_crop[0] <= mel.crop_frames(rate)


def test_layers_by_hand() -> None:
    convolution = Convolution("any", 10, (3, 3), pool=(2, 4), time_stride=2)
    assert convolution.cost((2, 21, 16), 1.0) == (10 * 2 * 9 + 30, 2 * 11 * 16 * 180, (10, 5, 4))
    assert Convolution("any", 10, (4, None), padded=False).cost((2, 21, 16), 0.5) == (
        5 * 2 * 64 + 15,
        2 * 18 * 640,
        (5, 18, 1),
    )
    assert Lstm("any", 8).cost((3, 21, 1), 1.0) == (4 * 8 * 11 + 64, 2 * 21 * 352, (8, 21, 1))
    assert Dense("any", 8).cost((3, 5, 7), 1.0) == (24 + 24, 48, (8, 1, 1))
    assert Dense("any", 8, of="mean of frames").cost((3, 5, 7), 1.0) == (168 + 24, 336, (8, 1, 1))


@pytest.mark.parametrize("layer", [
    Convolution("any", 4, (3, 3), pool=(2, 3)), Convolution("any", 4, (5, 5), pool=(2, 2), time_stride=2),
    Convolution("any", 4, (4, 2), pool=(3, 1), padded=False),
    Convolution("any", 4, (2, None), time_stride=3, padded=False),
])  # fmt: skip
def test_the_minimum_is_what_leaves_so_much_and_no_less(layer: Convolution) -> None:
    for frames in (1, 2, 5):
        for bands in (1,) if layer.kernel[1] is None else (1, 4):
            least = layer.minimum(frames, bands)
            assert layer.cost((2, *least), 1.0).shape[1:] == (frames, bands)
            assert layer.cost((2, least[0] - 1, least[1]), 1.0).shape[1] < frames
            assert layer.kernel[1] is None or layer.cost((2, least[0], least[1] - 1), 1.0).shape[2] < bands
