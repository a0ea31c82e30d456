"""Everything that reads a file which somebody else may have written or a disk may have damaged."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

import numpy as np

from study.core.errors import StudyError
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.reading import read_study
from study.core.study_file import Study
from study.core.valid_results import expected_results, read_results
from tests.fuzz.mutations import (
    BYTES,
    Mutation,
    odd_csv,
    odd_json,
    odd_parquet,
    odd_safetensors,
    odd_toml,
    odd_wav,
    without_digest,
)

MOST_S = 10


@dataclass(frozen=True)
class Reader:
    """A file, a function that reads it, and mutations of its structure, tried as often as those of its bytes."""

    path: Path
    read: Callable[[], object]
    structure: tuple[Mutation, ...] = ()


class TooSlow(BaseException):
    """A reader that hangs."""


def outcome(reader: Reader, content: bytes) -> str:
    """What comes of reading this content: "read", "refused", or what went wrong."""
    reader.path.write_bytes(content)
    try:
        with _time_limit(), redirect_stderr(io.StringIO()):
            reader.read()
        return "read"
    except StudyError as error:
        lines = str(error).split("\n")
        return "refused" if all(line.isprintable() for line in lines) else f"not printable: {error!r}"
    except (Exception, TooSlow) as error:
        return f"{type(error).__name__}: {str(error)[:200]}"


def cases(reader: Reader, n: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """`n` contents made from the reader's file, each with its number: the same every time.

    Two in three have lost the mark of their digest, or it alone would be tested, and not what reads the content.
    """
    whole = reader.path.read_bytes()
    for number in range(n):
        rng = np.random.default_rng([seed, number])
        mutations = reader.structure if reader.structure and number % 2 else BYTES
        content = mutations[rng.integers(0, len(mutations))](whole, rng)
        yield number, without_digest(content) if number % 3 else content


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"takes more than {MOST_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MOST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def readers(folder: Path) -> dict[str, Reader]:
    """By name; `folder` is that of a study that has been launched, and is changed."""
    study = read_study(folder)
    return _of_inputs(folder, study) | _of_the_store(folder, study) | _of_tables(folder, study)


def _of_inputs(folder: Path, study: Study) -> dict[str, Reader]:
    from jobs.labels.tables import read_scalars, read_terms
    from jobs.sound.decode import read_sound
    from jobs.targets.recommendation import read_plays
    from jobs.targets.track_labels import read_track_labels
    from study.workflow.from_audio.label_table import read_label_table

    def study_file() -> None:
        of = read_study(folder)
        if of.phases:
            from design.generate import generate

            generate(of, 4)

    def parquet_of(name: str) -> Path:
        import pandas as pd

        path = folder / f"{name}.parquet"
        pd.read_csv(folder / f"{name}.csv").to_parquet(path, index=False)
        return path

    pitch, tags, timbre = parquet_of("pitch"), parquet_of("tags"), parquet_of("timbre")
    plays, sound = parquet_of("plays"), folder / "sound" / "c00.wav"
    ids = [f"c{number:02d}" for number in range(24)]
    files = [Path(f"{name}.wav") for name in ids]
    of_timbre, of_plays = study.targets["timbre"], study.targets["plays"]
    csv, parquet = (odd_csv,), (odd_parquet,)
    return {
        "study.toml": Reader(folder / "study.toml", study_file, (odd_toml,)),
        "numbers.csv": Reader(folder / "pitch.csv", partial(read_scalars, folder / "pitch.csv"), csv),
        "numbers.parquet": Reader(pitch, partial(read_scalars, pitch), parquet),
        "terms.csv": Reader(folder / "tags.csv", partial(read_terms, folder / "tags.csv"), csv),
        "terms.parquet": Reader(tags, partial(read_terms, tags), parquet),
        "labels.csv": Reader(folder / "timbre.csv", partial(read_track_labels, of_timbre), csv),
        "labels.parquet": Reader(
            timbre, partial(read_track_labels, of_timbre.model_copy(update={"tracks": timbre})), parquet
        ),
        "plays.parquet": Reader(
            plays, partial(read_plays, of_plays.model_copy(update={"interactions": plays})), parquet
        ),
        "any labels.csv": Reader(folder / "tags.csv", partial(read_label_table, folder / "tags.csv", files, ids), csv),
        "any labels.parquet": Reader(tags, partial(read_label_table, tags, files, ids), parquet),
        "sound.wav": Reader(sound, partial(read_sound, sound), (odd_wav,)),
    }


def _of_the_store(folder: Path, study: Study) -> dict[str, Reader]:
    from jobs.embed import embed
    from jobs.learning.checkpoint import read_checkpoint, write_checkpoint
    from jobs.learning.training_log import read_epochs
    from jobs.prepared_data import read_prepared
    from jobs.records import read_attempts, read_trained
    from jobs.sound.content_hashes import content_hashes
    from jobs.step_speed import read_step_speed
    from study.core.result_index import survey_results

    paths = Paths(folder)
    run = read_plan(paths.plan, study)[-1]
    expected = expected_results(study, [run], read_prepared(study).target_fingerprints)
    result = next(iter(expected))
    attempt = next(paths.attempts(run.run_id).iterdir())
    checkpoints = paths.checkpoints(run.run_id)
    write_checkpoint(checkpoints, 1, {"numpy": {"state": 1}})
    hashes, out = paths.prepared / "sound" / "content_hashes.parquet", folder / "embedded.parquet"
    survey_results(paths, expected)
    return {
        "plan.parquet": Reader(paths.plan, partial(read_plan, paths.plan, study), (odd_parquet,)),
        "result": Reader(result, partial(read_results, paths, expected), (odd_parquet,)),
        "prepared.json": Reader(paths.prepared / "prepared.json", partial(read_prepared, study), (odd_json,)),
        "trained.json": Reader(paths.trained(run.run_id), partial(read_trained, paths, run.run_id), (odd_json,)),
        "attempt": Reader(attempt, partial(_attempts, read_attempts, paths, run.run_id), (odd_json,)),
        "log.jsonl": Reader(paths.log(run.run_id), partial(read_epochs, paths.log(run.run_id)), (odd_json,)),
        "step_speed.json": Reader(paths.step_speed, partial(read_step_speed, study), (odd_json,)),
        "checkpoint": Reader(next(checkpoints.iterdir()), partial(read_checkpoint, checkpoints)),
        "hashes": Reader(hashes, partial(content_hashes, [folder / "sound" / "c01.wav"], hashes), (odd_parquet,)),
        "weights": Reader(
            paths.weights(run.run_id),
            partial(embed, paths.weights(run.run_id), [folder / "sound" / "c01.wav"], out), (odd_safetensors,),
        ),
    }  # fmt: skip


def _attempts(read_attempts: Callable[..., list], paths: Paths, run_id: str) -> None:
    from jobs.records import last_failure

    attempts = read_attempts(paths, run_id)
    last_failure(attempts)
    [(attempt.seconds, attempt.is_running) for attempt in attempts]


def _of_tables(folder: Path, study: Study) -> dict[str, Reader]:
    from analysis.results_table import results_table
    from analysis.table_file import read_table
    from design.evaluate import evaluate
    from design.foreign import read_design

    rows, _ = read_results(Paths(folder))
    scores = rows[["run_id", "strategy", "target", "repeat", "fold", "metric", "score", "outcome"]]
    first = rows.drop_duplicates("run_id")
    design = first[[name for name in first if name == "strategy" or name.startswith("source.")]]
    design = design[~design["strategy"].isin(["MFCC", "Random"])].drop_duplicates()
    paths = {name: folder / name for name in ("scores.csv", "scores.parquet", "design.csv", "design.parquet")}
    for name, table in (("scores", scores), ("design", design)):
        table.to_csv(paths[f"{name}.csv"], index=False)
        table.to_parquet(paths[f"{name}.parquet"], index=False)

    def table_of(path: Path) -> None:
        results_table(read_table(path), study.primary_metrics)

    found = {}
    for ending, structure in (("csv", (odd_csv,)), ("parquet", (odd_parquet,))):
        of_scores, of_design = paths[f"scores.{ending}"], paths[f"design.{ending}"]
        found[f"scores.{ending}"] = Reader(of_scores, partial(table_of, of_scores), structure)
        found[f"design.{ending}"] = Reader(of_design, partial(read_design, study, of_design, "p"), structure)
        found[f"any design.{ending}"] = Reader(of_design, partial(evaluate, of_design), structure)
    return found
