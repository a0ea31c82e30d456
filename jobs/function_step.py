"""The step `call`: a run is a function of the user's (`[run] function`), and its scores are committed.

    function(levels, sources, seed, folder) -> {target: {metric: score}}

`levels` has the run's level of every factor, `sources` the names of its sources, `seed` is an integer of the run's own,
and `folder` (a `Path` that is there) is its own and survives a kill. It may also return rows: mappings with `target,
metric, score` and, where a target is scored several times, `repeat` and `fold`. A score that is not finite is the
outcome `diverged`.

The function is imported from what is installed or on PYTHONPATH, never from the current folder or the study's, which
may be a stranger's.
"""

from __future__ import annotations

import importlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jobs.prepared_data import read_prepared
from jobs.records import Trained, now, write_trained
from jobs.result_rows import result_row
from study.core.errors import Fault, InputFaults, RunFailed, nearest, raise_all
from study.core.extensions import installed_only
from study.core.paths import FILE_NAME, Paths
from study.core.results import TRAIN_SCORES_VERSION, Score, commit_result
from study.core.run import Run, seed_sequence
from study.core.study_file import Study
from study.core.writing import make_folder

Function = Callable[[Mapping[str, Any], tuple[str, ...], int, Path], Any]


def call(study: Study, run: Run, targets: tuple[str, ...], attempt: str) -> dict[str, float]:
    """Call the run's function and commit its scores on the targets; the mean of each one's primary metric."""
    paths, prepared, started_at = Paths(study.store), read_prepared(study), now()
    folder = paths.run(run.run_id) / "function"
    make_folder(folder)
    seed = int(seed_sequence(run.run_id, "function").generate_state(1)[0])
    began = time.monotonic()
    with installed_only():
        returned = loaded(study)(dict(run.factors), run.sources, seed, folder)
    scores = scores_of(study, returned)
    trained = Trained(
        "ok",
        attempt=attempt,
        train_seconds=time.monotonic() - began,
        train_steps=0,
        device=_device(),
        precision="",
        n_parameters=0,
        representation_dim=0,
        threads=study.compute.threads,
        data_fingerprint=prepared.fingerprint_of(run),
        train_scores_version=TRAIN_SCORES_VERSION,
        started_at=started_at,
    )
    means = {}
    for name in targets:
        of_target = prepared.targets[name].fingerprint
        rows = [result_row(study, run, trained, attempt, name, of_target, started_at, 0.0, s) for s in scores[name]]
        commit_result(paths.result(run.run_id, name, of_target), rows, study)
        primary = [s.score for s in scores[name] if s.metric == study.primary_metrics[name] and s.outcome == "ok"]
        if primary:
            means[name] = float(np.mean(primary))
    write_trained(paths, run.run_id, trained)  # last: it says that the run's scores are there
    return means


def loaded(study: Study) -> Function:
    """The study's function. Raises InputFaults if there is no such module or no such function in it."""
    assert study.run is not None
    module_name, _, name = study.run.function.partition(":")
    key = "[run] function"
    with installed_only():
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if not f"{module_name}.".startswith(f"{error.name}."):
                raise  # the module is there and lacks what it imports
            expected = f"no module {module_name} is installed or on PYTHONPATH"
            raise InputFaults([Fault(FILE_NAME, key, study.run.function, expected)]) from None
    found = getattr(module, name, None)
    if not callable(found):
        near = nearest(name, [each for each in vars(module) if not each.startswith("_")])
        expected = f"{module_name} has no function {name}"
        raise InputFaults([Fault(FILE_NAME, key, study.run.function, expected, near)])
    return found


def scores_of(study: Study, returned: object) -> dict[str, list[Score]]:
    """What a function returned, as scores by target. Raises RunFailed with all that is wrong with it."""
    form = "expected {target: {metric: score}}, or rows of target, metric, score[, repeat, fold]"
    if isinstance(returned, Mapping):
        rows: list[Any] = [
            {"target": target, "metric": metric, "score": score}
            for target, scores in returned.items()
            for metric, score in (scores.items() if isinstance(scores, Mapping) else [(None, scores)])
        ]
    else:
        rows = list(returned) if isinstance(returned, list | tuple) else [returned]
    if not all(isinstance(row, Mapping) and {"target", "metric", "score"} <= row.keys() for row in rows):
        raise RunFailed(f"the function returned {type(returned).__name__}: {form}")
    wrong = list(dict.fromkeys(fault for row in rows for fault in _faults_of_row(study, row)))
    found: dict[str, dict[tuple[int, int, str], Score]] = {name: {} for name in study.targets}
    for row in rows if not wrong else ():
        split, metric, value = (int(row.get("repeat", 0)), int(row.get("fold", 0))), row["metric"], float(row["score"])
        if (*split, metric) in found[row["target"]]:
            wrong.append(f"{row['target']} has {metric} twice (repeat {split[0]}, fold {split[1]})")
        outcome = "ok" if math.isfinite(value) else "diverged"
        found[row["target"]][*split, metric] = Score(*split, metric, value, outcome)
    for name, scores in found.items() if not wrong else ():
        splits = {score[:2] for score in scores} or {(0, 0)}
        lacking = [m for m in study.targets[name].metric_names if any((*split, m) not in scores for split in splits)]
        wrong += [f"target {name} lacks {metric}" for metric in lacking]
    if wrong:
        raise RunFailed(f"the function returned scores that do not fit {FILE_NAME}: {'; '.join(wrong[:5])}; {form}")
    return {name: list(scores.values()) for name, scores in found.items()}


def _faults_of_row(study: Study, row: Mapping[str, Any]) -> Iterator[str]:
    name, metric, score = row["target"], row["metric"], row["score"]
    if name not in study.targets:
        near = nearest(str(name), study.targets)
        yield f"{name!r} is not a target" + (f"; did you mean {near!r}?" if near else "")
        return
    if metric not in study.targets[name].metric_names:
        near = nearest(str(metric), study.targets[name].metric_names)
        yield f"{metric!r} is not a metric of {name}" + (f"; did you mean {near!r}?" if near else "")
    try:
        float(score)
    except (TypeError, ValueError):
        yield f"{metric} of {name} is {score!r}; expected a number"
    for key in ("repeat", "fold"):
        if not isinstance(row.get(key, 0), int | np.integer) or row.get(key, 0) < 0:
            yield f"{key} of {name} is {row[key]!r}; expected a whole number from 0 on"


def _device() -> str:
    """Where the function may have run: "cuda" if it used PyTorch and there is a GPU, else "cpu"."""
    torch = sys.modules.get("torch")
    return "cuda" if torch is not None and torch.cuda.is_available() else "cpu"


def refuse_unloadable(study: Study) -> None:
    """Raise InputFaults if the function cannot be loaded here.

    Where workers install packages of their own, nothing is refused here: only the workers know.
    """
    if study.run is not None and not study.cluster.runtime_env:
        try:
            loaded(study)
        except (ImportError, SyntaxError) as error:
            expected = f"cannot be imported: {type(error).__name__}: {error}"
            raise_all([Fault(FILE_NAME, "[run] function", study.run.function, expected)])
