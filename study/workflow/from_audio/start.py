"""The steps of `study new DIR --from-audio FOLDER`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from study.core.errors import Fault, InputFaults, nearest, raise_all
from study.core.paths import FILE_NAME
from study.core.progress import Tell, silent
from study.core.reading import read_study
from study.core.run import baseline_runs
from study.core.writing import write_whole
from study.workflow.extras import needs_train
from study.workflow.from_audio.choose import propose
from study.workflow.from_audio.columns import Column, numbering, plain_name, recognise
from study.workflow.from_audio.first_plan import affordable_epochs, planned_work, whole_seconds
from study.workflow.from_audio.label_table import read_label_table
from study.workflow.from_audio.pattern import likely_pattern, read_names
from study.workflow.from_audio.summary import broken_lines, clips_summary, proposal_lines
from study.workflow.from_audio.write import TABLES, Proposal, study_text, write_tables
from study.workflow.new import study_name

if TYPE_CHECKING:
    from jobs.sound.survey import Clip

LEAST_CLIPS = 14
"""Four to learn from and ten for a target."""
SHOWN = 5
AT_A_TIME = 2000
"""Files that are read between two lines of progress."""
TARGET_TO_COME = '[targets.mine]\ntask = "regression"\ntracks = "tables/target.csv"\n'
"""A placeholder for the user's target; the time of the plan depends on no target."""


@dataclass(frozen=True)
class NextSteps:
    """Commands to type next and the seconds they take here in all; None for a study without a target."""

    commands: tuple[str, ...]
    seconds: float | None


@needs_train()
def study_from_audio(
    folder: Path,
    sound_folder: Path,
    labels: Path | None = None,
    pattern: str | None = None,
    seed: int = 1,
    tell: Tell = silent,
) -> NextSteps:
    """Write the study folder `folder` for the sound in `sound_folder`, and its tables.

    `labels` is a table of any form; `pattern` gives the meaning of file names. Raises InputFaults if there already is
    a study, too little sound, or labels that match none of it.
    """
    raise_all(_folder_faults(folder, sound_folder, labels))
    shown, sound_folder = sound_folder, sound_folder.resolve()
    paths = _sound_paths(sound_folder)
    names = [path.relative_to(sound_folder) for path in paths]
    _columns(names, _track_ids(names), labels, pattern, silent)  # what is wrong with them, before sound is decoded
    clips, broken = _survey(shown, paths, tell)
    for line in broken_lines(broken):
        tell(line)
    if len(clips) < LEAST_CLIPS:
        expected = f"{len(clips)} sound files can be read; expected {LEAST_CLIPS} or more"
        raise InputFaults([*broken, Fault(str(sound_folder), "", None, expected)])
    tell(clips_summary(clips))
    names = [clip.path.relative_to(sound_folder) for clip in clips]
    ids = _track_ids(names)
    columns = _columns(names, ids, labels, pattern, tell)
    proposal = propose(study_name(folder, "own-sound"), sound_folder, clips, ids, columns, seed, len(broken))
    seconds = _write(folder, proposal, {i: clip.path for i, clip in zip(ids, clips, strict=True)}, broken)
    for line in proposal_lines(folder, proposal):
        tell(line)
    if not columns and (likely := likely_pattern(names)):
        tell(f"file names follow a pattern: --pattern '{likely}', with names of your own, turns them into labels")
    budget = f" --budget {proposal.plan.budget}" if proposal.plan.budget else ""
    steps = ("check", "design", "launch", "analyze")
    commands = tuple(f"study {step} {quote(str(folder))}{budget if step == 'design' else ''}" for step in steps)
    return NextSteps(commands, seconds if proposal.targets else None)


def _folder_faults(folder: Path, sound_folder: Path, labels: Path | None) -> list[Fault]:
    faults = []
    if (folder / FILE_NAME).exists():
        faults.append(Fault(str(folder), FILE_NAME, None, "already exists; expected a folder without one"))
    if folder.exists() and not folder.is_dir():
        faults.append(Fault(str(folder), "", None, "is a file; expected a folder"))
    for option, path, there in (
        ("--from-audio", sound_folder, sound_folder.is_dir()),
        ("--labels", labels, labels is None or labels.is_file()),
    ):
        if path is not None and not there:
            siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
            what = "folder" if option == "--from-audio" else "file"
            faults.append(Fault("", option, str(path), f"no such {what}", nearest(path.name, siblings)))
    return faults


def _sound_paths(folder: Path) -> list[Path]:
    from jobs.embed import sounds_in

    paths = sounds_in(folder)
    if not paths:
        endings = pd.Series([path.suffix.lower() for path in folder.rglob("*") if path.is_file()]).value_counts()
        there = ", ".join(f"{count} {ending or 'without ending'}" for ending, count in endings.head(SHOWN).items())
        expected = f"no WAV, FLAC, OGG, MP3 or AU file in it (it has: {there or 'no files'})"
        raise InputFaults([Fault(str(folder), "--from-audio", None, expected)])
    return paths


def _survey(shown: Path, paths: Sequence[Path], tell: Tell) -> tuple[list[Clip], list[Fault]]:
    from jobs.sound.survey import survey

    clips: list[Clip] = []
    broken: list[Fault] = []
    for begin in range(0, len(paths), AT_A_TIME):
        end = min(begin + AT_A_TIME, len(paths))
        tell(f"{shown}: reading {len(paths)} sound files" if not begin else f"{begin} read")
        more_clips, more_broken = survey(paths[begin:end], os.cpu_count() or 1)
        clips, broken = clips + more_clips, broken + more_broken
    return clips, broken


def _track_ids(names: Sequence[Path]) -> list[str]:
    """Each file's path in the folder, without its ending if all stay distinct."""
    short = [name.with_suffix("").as_posix() for name in names]
    return short if len(set(short)) == len(short) else [name.as_posix() for name in names]


def _columns(
    names: Sequence[Path], ids: Sequence[str], labels: Path | None, pattern: str | None, tell: Tell
) -> list[Column]:
    """The labels of the tracks from file names and the table."""
    columns: list[Column] = []
    if pattern is not None:
        texts = read_names(pattern, names).set_axis(ids)
        unfit = texts.index[(texts == "").all(axis=1)]
        if len(unfit):
            tell(f"--pattern matches {len(ids) - len(unfit)} of {len(ids)} names; not, for example, {unfit[0]}")
        columns += numbering(texts, [recognise(plain_name(str(name)), texts[name]) for name in texts.columns])
    if labels is not None:
        table = read_label_table(labels, names, ids)
        separated = f", separated by {table.separator!r}" if table.separator else ""
        tell(
            f"{labels}: column {table.id_column!r} names {table.files_named} of {len(ids)} files"
            f"{separated}; {table.rows_without_file} rows name no file"
        )
        columns += table.columns
    times = Counter(column.name for column in columns)
    raise_all(
        Fault("", "--pattern, --labels", name, f"is the name of {count} columns; expected each name once")
        for name, count in times.items()
        if count > 1
    )
    return columns


def _write(folder: Path, proposal: Proposal, path_of: dict[str, Path], broken: Sequence[Fault]) -> float:
    """Write tables and study file, with as many epochs as there is time for; seconds of all that follows."""
    tracks = pd.DataFrame({"track_id": proposal.kept.index[~proposal.kept]})

    with TemporaryDirectory() as trial:
        write_whole(Path(trial) / TABLES / "tracks.csv", tracks.to_csv(index=False).encode())  # their number matters
        text = study_text(proposal, 1, "") + ("" if proposal.targets else TARGET_TO_COME)
        write_whole(Path(trial) / FILE_NAME, text.encode())
        study = read_study(Path(trial))
        n_trained, epoch_s = planned_work(study, proposal.plan.budget)
        n_runs = n_trained + len(baseline_runs(study))
    epochs = affordable_epochs(epoch_s)
    training_s = epochs * epoch_s
    try:
        write_tables(folder, proposal, path_of, broken)
    except OSError as error:
        raise InputFaults([Fault(str(folder), "", None, f"cannot be written: {error.strerror}")]) from None
    minutes = f"about {training_s / 60:.0f} minutes" if training_s > 90 else "a minute or less"
    why = f"{minutes} for all trainings on this machine; more epochs learn more"
    write_whole(folder / FILE_NAME, study_text(proposal, epochs, why).encode())  # last: now it is a study
    return whole_seconds(training_s, len(path_of), n_runs, len(proposal.targets), os.cpu_count() or 1)
