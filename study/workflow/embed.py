"""Embed: a trained run's representation of any sound files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from study.core.errors import Fault, InputFaults, RunFailed, nearest, raise_all
from study.core.fault_list import in_short
from study.core.paths import FILE_NAME, WEIGHTS, Paths
from study.core.progress import Tell, silent
from study.core.reading import read_study
from study.core.run import baseline_runs, named_run
from study.core.study_file import Study
from study.workflow.extras import needs_train


@needs_train()
def embed_files(
    run: str,
    audio: Sequence[Path],
    out: Path,
    overrides: Sequence[str] = (),
    tell: Tell = silent,
    pad: bool = False,
) -> None:
    """Write the vectors of sound files, and of the folders of them in `audio`, to the Parquet file `out`.

    `run` is a run_id (or its beginning) of the study in the current folder, or a weights file or its folder.
    `pad`: sound shorter than a crop is padded with its floor instead of being left out.
    Raises RunFailed, after writing the rest, if sounds had to be left out.
    """
    faults: list[Fault] = []
    try:
        weights = _weights(run, overrides)
    except InputFaults as error:
        faults += error.faults
    from jobs.embed import embed as embed_sounds
    from jobs.embed import fault_list_of, sounds_in

    sounds: list[Path] = []
    for path in audio:
        named = sounds_in(path) if path.is_dir() else [path]
        sounds += named
        if not named:
            faults.append(Fault(str(path), "", None, "no sound files in this folder (WAV, FLAC, OGG, MP3 or AU)"))
        elif not path.exists():
            siblings = [sibling.name for sibling in path.parent.glob("*")]
            faults.append(Fault(str(path), "", None, "no such file or folder", nearest(path.name, siblings)))
    if out.is_dir():
        faults.append(Fault("", "--out", str(out), "is a folder; expected the file to write"))
    elif out.suffix != ".parquet":
        faults.append(Fault("", "--out", str(out), "expected a name that ends in .parquet"))
    raise_all(faults)
    sounds = list(dict.fromkeys(sounds))
    left_out = embed_sounds(weights, sounds, out, os.cpu_count() or 1, pad)
    faults_left_out = in_short(left_out, fault_list_of(out))
    tell(f"wrote {out}: {len(sounds) - len(left_out)} of {len(sounds)} sounds")
    if left_out:
        raise RunFailed(faults_left_out)


def _weights(run: str, overrides: Sequence[str]) -> Path:
    """The weights file that RUN names. Raises InputFaults if there is none, or more than one."""
    path = Path(run)
    if path.is_dir():
        path = path / WEIGHTS
    if path.is_file():
        return path
    if len(path.parts) > 1 or Path(run).is_dir():
        expected = f"expected a {WEIGHTS} or its folder (MFCC and diverged runs have none)"
        raise InputFaults([Fault("", "RUN", run, expected)])
    if not Path(FILE_NAME).is_file():
        expected = f"expected a {WEIGHTS} or its folder; for a run_id, run this in a study folder (no {FILE_NAME} here)"
        raise InputFaults([Fault("", "RUN", run, expected)])
    return weights_in_study(read_study(Path(), overrides), run)


def weights_in_study(study: Study, run: str) -> Path:
    """The weights of a run by its run_id or its beginning. Raises InputFaults if it has none or matches several."""
    from jobs.records import known_training

    paths = Paths(study.store)
    baselines = {baseline.run_id: baseline for baseline in baseline_runs(study)}
    known = list(dict.fromkeys([*baselines, *(path.name for path in sorted(paths.runs.glob("*")) if path.is_dir())]))
    run_id = named_run(run, known, "RUN")
    if run_id in baselines and baselines[run_id].is_without_network:
        expected = f"is the baseline {baselines[run_id].strategy}, which has no network to embed with"
        raise InputFaults([Fault("", "RUN", run, expected)])
    trained = known_training(paths, run_id)
    if trained is not None and trained.outcome == "ok" and trained.gives != "network":
        expected = f"its learner {trained.learner!r} gives no network to embed with, but a function of {trained.gives}"
        raise InputFaults([Fault("", "RUN", run, expected)])
    if not paths.weights(run_id).is_file():
        expected = "has no weights: it has not been trained yet (`study launch` trains it), or its training diverged"
        raise InputFaults([Fault("", "RUN", run, expected)])
    return paths.weights(run_id)
