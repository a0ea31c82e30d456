"""Studies and spaces that the design's tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from design.candidates import Candidates, Factor
from study.core.reading import read_study
from study.core.study_file import Study

SEVERAL = ("MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR")
SOURCES = ("self", "bpm", "year", "taste", "tag", "lyrics", "cdr_tag", "artist")
PAPER_PHASES = """
[[design.phase]]
name = "single"
strategy = ["SS-R"]
n_sources = [1]
repeats = 6
[[design.phase]]
name = "all"
strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]
n_sources = [8]
repeats = 5
[[design.phase]]
name = "sequential"
strategy = ["MS-SR@FC", "MS-CR@6", "MS-CR@4", "MS-CR@2", "MSS-CR"]
n_sources = { from = 2, to = 7 }
criterion = "anytime"
"""


def write_study(
    folder: Path, phases: str = PAPER_PHASES, sources: int = 8, factors: str = "", seed: int = 2019
) -> Study:
    """A study of the paper's first sources, as far as the design needs it."""
    named = "\n".join(f'[sources.{name}]\nlabels = "gmm"\ntable = "{name}.csv"' for name in SOURCES[1:sources])
    text = f"""
schema = 1
[study]
name = "designed"
seed = {seed}
[corpus]
tracks = "tracks.csv"
sample_rate_hz = 22050
channels = 2
[sources.self]
labels = "self"
{named}
[factors]
{factors}
[targets.genre]
task = "classification"
tracks = "genre.csv"
{phases}
"""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(text)
    return read_study(folder)


def paper_candidates() -> Candidates:
    """The 1,230 candidates of the paper's sequential phase (4.3)."""
    subsets = np.array(list(np.ndindex((2,) * 8)), dtype=np.uint8)
    subsets = subsets[(subsets.sum(axis=1) >= 2) & (subsets.sum(axis=1) <= 7)]
    codes = np.column_stack([np.repeat(np.arange(5), len(subsets)), np.tile(subsets, (5, 1))])
    codes = np.column_stack([codes, codes[:, 1:].sum(axis=1) - 2]).astype(np.uint8)
    presence = tuple(Factor(f"source.{name}", (False, True)) for name in SOURCES)
    return Candidates((Factor("strategy", SEVERAL), *presence, Factor("n_sources", (2, 3, 4, 5, 6, 7))), codes)


def factorial(*n_levels: int) -> Candidates:
    """Every combination of unordered factors with so many levels; the first stands as the strategy."""
    names = ["strategy", *(f"factor.{letter}" for letter in "abcdefghijklmnopqrstuvw")]
    factors = tuple(
        Factor(name, tuple(f"level{k}" for k in range(n))) for name, n in zip(names, n_levels, strict=False)
    )
    return Candidates(factors, np.indices(n_levels).reshape(len(n_levels), -1).T.astype(np.uint8))


def nothing(candidates: Candidates) -> np.ndarray:
    """The start of a design that has no runs yet."""
    return candidates.codes[:0]
