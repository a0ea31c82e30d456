from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jobs.demo.arrangement import SCALES, pitch, render, score
from jobs.demo.attributes import DANCES, GENRES, Track, draw_tracks
from jobs.demo.instruments import INSTRUMENTS, LEADS, RATE_HZ, drum, note
from jobs.sound.spectra import mel_db
from study.core.sections import Mel

TRACKS = draw_tracks("c", 48, 4, np.random.default_rng(3))
DRY = {"reverb": 0.0, "tilt_db": 0.0, "year": 2005}


def _sound(track: Track, seconds: float = 6.0) -> np.ndarray:
    return render(track, seconds, np.random.default_rng(1))


@pytest.mark.parametrize("name", [*LEADS, "bass", "strings", "synth"])
def test_a_note_has_its_pitch(name: str) -> None:
    midi = INSTRUMENTS[name].lowest + 3
    tone = note(name, midi, 1.0, 1.0, np.random.default_rng(0)).astype(np.float64)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), 1 << 18)) ** 2
    frequency_hz = 440 * 2 ** ((midi - 69) / 12)
    harmonic = np.arange(len(spectrum)) * RATE_HZ / (1 << 18) / frequency_hz
    near = np.abs(harmonic / np.maximum(np.round(harmonic), 1) - 1) < 0.025  # vibrato is within 2 %
    assert spectrum[near & (harmonic < 12)].sum() > 0.9 * spectrum.sum()
    assert spectrum[np.abs(harmonic - 1) < 0.025].sum() > 0.01 * spectrum.sum()
    assert 0.05 < np.sqrt(np.mean(np.square(tone))) < 2


@pytest.mark.parametrize("machine", [False, True])
def test_drums_differ(machine: bool) -> None:
    rng = np.random.default_rng(0)
    centroid_hz = {}
    for name in ("kick", "snare", "hat"):
        power = np.abs(np.fft.rfft(drum(name, machine, rng), RATE_HZ)) ** 2
        centroid_hz[name] = (np.arange(len(power)) * power).sum() / power.sum()
    assert centroid_hz["kick"] < 800 < centroid_hz["snare"] < centroid_hz["hat"]


@pytest.mark.parametrize("dance", DANCES)
def test_the_beat_is_where_the_tempo_says(dance: str) -> None:
    """The autocorrelation of the onset envelope has its peak around the beat within 4 % of it, in every genre."""
    slowest, fastest = DANCES[dance][1:]
    tempo_bpm = (slowest + fastest) / 2
    mel, hop = Mel(hop_samples=128, n_mels=40), 128
    for genre in GENRES:
        track = next(track for track in TRACKS if track.artist.genre == genre)
        sound = _sound(replace(track, dance=dance, tempo_bpm=tempo_bpm))
        flux = np.maximum(np.diff(mel_db(sound, RATE_HZ, mel).mean(axis=1), axis=0), 0).sum(axis=1)
        flux -= flux.mean()
        correlation = np.correlate(flux, flux, "full")[len(flux) - 1 :]
        beat = 60 / tempo_bpm * RATE_HZ / hop
        around = np.arange(int(0.7 * beat), int(1.4 * beat))
        assert around[correlation[around].argmax()] == pytest.approx(beat, rel=0.04), genre


@pytest.mark.parametrize("major", [False, True])
def test_the_notes_are_of_the_key(major: bool) -> None:
    for track in TRACKS[::6]:
        track = replace(track, major=major)
        events = list(score(track, 10.0, np.random.default_rng(0)))
        classes = {(event.midi - track.key) % 12 for event in events if event.midi is not None}
        assert classes <= set(SCALES[major]) and len(classes) >= 5


def test_the_key_is_heard() -> None:
    """The scale's pitch classes have more of the power than their part of twelve."""
    track = replace(TRACKS[0], **DRY)
    sound = _sound(track).mean(axis=0)
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    frequency_hz = np.arange(len(power)) * RATE_HZ / len(sound)
    heard = (frequency_hz > 150) & (frequency_hz < 1500)
    classes = np.round(69 + 12 * np.log2(frequency_hz[heard] / 440)).astype(int) % 12
    chroma = np.bincount(classes, power[heard], 12)
    scale = [(track.key + step) % 12 for step in SCALES[track.major]]
    assert chroma[scale].sum() / chroma.sum() > 0.8


def test_a_scale_climbs() -> None:
    pitches = [pitch(TRACKS[0], degree, 50) for degree in range(-7, 15)]
    assert (np.diff(pitches) > 0).all() and pitches[14] - pitches[0] == 24


def test_old_recordings_lack_treble_and_width_and_have_noise() -> None:
    old, new = (_sound(replace(TRACKS[1], **DRY | {"year": year, "pan": 0.6})) for year in (1952, 2005))
    treble = []
    for sound in (old, new):
        power = np.square(np.abs(np.fft.rfft(sound)))
        treble.append(power[:, 7000 * 6 :].sum() / power.sum())
    assert treble[0] < 0.3 * treble[1]
    side = [np.square(sound[0] - sound[1]).sum() / np.square(sound).sum() for sound in (old, new)]
    assert side[0] < 0.2 * side[1]


def test_the_mix_stays_within_bounds_and_only_scales_with_the_level() -> None:
    loud, soft = (_sound(replace(TRACKS[2], level_db=level_db), 2.0) for level_db in (-3.0, -15.0))
    assert loud.shape == (2, 2 * RATE_HZ) and loud.dtype == np.float32
    assert np.abs(loud).max() <= 1
    np.testing.assert_allclose(loud, soft * 10 ** (12 / 20), atol=1e-5)
