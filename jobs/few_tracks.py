"""A study's tables cut to a few tracks, for a trial of all its parts. Their columns stay the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.corpus import read_corpus
from jobs.labels.tables import read_columns
from study.core.run import study_seed_sequence
from study.core.sections import METRICS, Target
from study.core.study_file import Study
from study.core.writing import write_whole


def write_few_tracks(study: Study, folder: Path, n_tracks: int) -> tuple[dict[str, Path], int]:
    """Write tables of at most `n_tracks` tracks to `folder`, for the corpus and each target, with absolute sound paths.

    Returns the files by the keys of the study file that they replace, such as "targets.genre.tracks", and their total
    number of rows. Tracks are drawn at random, the same every time: for the corpus, from the tracks to learn from; for
    a target, from its classes (and parts, if its split is published) in turn. For a recommendation, they are the
    tracks that most users have played. Raises `InputFaults` if a table cannot be read.
    """
    seeds = study_seed_sequence(study, "few tracks")  # the same for each table: targets of one sound share it
    tables = {"corpus.tracks": _in_turn(read_corpus(study).tracks, [], seeds)[:n_tracks]}
    for name, target in study.targets.items():
        if target.source is not None or target.task not in METRICS:  # of a package, whose table only it can cut
            continue
        if target.interactions is None:
            tables[f"targets.{name}.tracks"] = _labelled(target, seeds)[:n_tracks]
        else:
            tracks, plays = _most_played(target, n_tracks)
            tables |= {f"targets.{name}.tracks": tracks, f"targets.{name}.interactions": plays}
    files = {key: folder / f"{key}.parquet" for key in tables}
    for key, table in tables.items():
        write_whole(files[key], table.to_parquet(index=False))
    return files, sum(map(len, tables.values()))


def _labelled(target: Target, seeds: np.random.SeedSequence) -> pd.DataFrame:
    """The target's rows in the order in which they are taken."""
    table = _with_sound(target, ("label",), ("group", "split"))
    by = ["label"] if target.task == "classification" else []
    return _in_turn(table, [*by, *(["split"] if "split" in table else [])], seeds)


def _most_played(target: Target, n_tracks: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tracks that most users have played, and the plays of them."""
    table = _with_sound(target)
    plays = read_columns(target.interactions, ("user_id", "track_id", "count"))
    n_users = table["track_id"].map(plays["track_id"].value_counts()).fillna(0)
    most_played = table.iloc[np.argsort(-n_users.to_numpy(), kind="stable")[:n_tracks]]
    return most_played, plays[plays["track_id"].isin(most_played["track_id"])]


def _with_sound(target: Target, required: Sequence[str] = (), optional: Sequence[str] = ()) -> pd.DataFrame:
    table = read_columns(target.tracks, ("track_id", "path", *required), optional)
    return table.assign(path=[str(Path(target.tracks).parent / sound) for sound in table["path"]])


def _in_turn(table: pd.DataFrame, by: list[str], seeds: np.random.SeedSequence) -> pd.DataFrame:
    """The rows shuffled, then taken in turn from each combination of the columns `by`."""
    shuffled = table.iloc[np.random.default_rng(seeds).permutation(len(table))]
    if not by:
        return shuffled
    turn = shuffled.groupby(by).cumcount().to_numpy()
    return shuffled.iloc[np.argsort(turn, kind="stable")]
