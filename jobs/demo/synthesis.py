"""The demo's data: stereo tracks of synthetic music, and the tables of eight learning sources and seven targets."""

from __future__ import annotations

import io
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile

from jobs.demo.arrangement import render
from jobs.demo.attributes import Track, draw_tracks
from jobs.demo.instruments import RATE_HZ
from jobs.demo.label_tables import write_corpus_tables, write_target_tables
from study.core.writing import make_folder, write_whole

Job = tuple[Track, Path, np.random.SeedSequence]

TRACKS_AN_ARTIST = {"corpus": 4, "target": 2}


def make_demo(
    folder: Path, seed: int, n_corpus: int = 240, n_target: int = 120, seconds: float = 10.0, workers: int = 1
) -> None:
    """Write `folder`/sound/{corpus,target}/*.flac (22,050 Hz, 16 bits, stereo) and the tables next to `sound`.

    The targets' artists are not in the corpus. The same arguments give the same files, byte for byte, whatever the
    number of `workers` (processes).
    """
    folder = Path(folder)
    seeds = dict(zip(("corpus", "target"), np.random.SeedSequence(seed).spawn(2), strict=True))
    tables = {"corpus": write_corpus_tables, "target": write_target_tables}
    jobs: list[Job] = []
    for part, n_tracks in (("corpus", n_corpus), ("target", n_target)):
        make_folder(folder / "sound" / part)
        attributes_seed, tables_seed, *track_seeds = seeds[part].spawn(2 + n_tracks)
        tracks = draw_tracks(part[0], n_tracks, TRACKS_AN_ARTIST[part], np.random.default_rng(attributes_seed))
        paths = [f"sound/{part}/{track.track_id}.flac" for track in tracks]
        tables[part](folder, tracks, paths, np.random.default_rng(tables_seed))
        jobs += zip(tracks, [folder / path for path in paths], track_seeds, strict=True)
    _render_all(partial(_render, seconds=seconds), jobs, workers)


def _render_all(render_one: partial[None], jobs: list[Job], workers: int) -> None:
    if workers == 1:
        list(map(render_one, jobs))
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        list(pool.map(render_one, jobs, chunksize=8))


def _render(job: Job, seconds: float) -> None:
    track, path, seed = job
    sound = io.BytesIO()
    soundfile.write(sound, render(track, seconds, np.random.default_rng(seed)).T, RATE_HZ, "PCM_16", format="FLAC")
    write_whole(path, sound.getvalue())
