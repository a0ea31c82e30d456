"""The learners by the name that `[training] learner` or `[learners.NAME]` gives: one file each, and those that
installed packages add.

A package adds its own by an entry point of the group `study.learners` that names a `Learner`. A baseline is a learner
of no steps, called without settings; a package adds its own in the group `study.baselines`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib.util import find_spec

from jobs.learning.learners import baselines, multi_source, onnx
from jobs.learning.learners.learner import Context, Learned, Learner
from study.core import extensions
from study.core.errors import Fault, InputFaults, RunFailed, raise_all
from study.core.learners import BASE, ONNX
from study.core.paths import FILE_NAME
from study.core.run import Run
from study.core.study_file import Study

LEARNERS: dict[str, Learner] = {BASE: Learner(multi_source.learn), ONNX: Learner(onnx.learn)}
BASELINES: dict[str, Learner] = {"Random": Learner(baselines.random), "MFCC": Learner(baselines.mfcc_of_files)}


def learner(name: str) -> Learner:
    """The learner of this name. Raises InputFaults if there is none, or it cannot be loaded."""
    return LEARNERS.get(name) or extensions.load_extension(extensions.LEARNERS, name, Learner)


def baseline(name: str) -> Learner:
    """The learner of a baseline. Raises InputFaults if there is none of this name, or it cannot be loaded."""
    return BASELINES.get(name) or extensions.load_extension(extensions.BASELINES, name, Learner)


def learned(study: Study, run: Run, context: Context) -> Learned:
    """What the run's learner gives, called with its settings; a baseline has a learner of its own."""
    if run.is_baseline:
        name, found = run.strategy, baseline(run.strategy).learn(context)
    else:
        name = study.training_of(run.factors).learner
        found = learner(study.learner_function(run.factors)).learn(context, **arguments(study, run))
    if not isinstance(found, Learned):
        raise RunFailed(f"learner {name!r} returned {type(found).__name__}; expected study.extend.Learned")
    return found


def arguments(study: Study, run: Run) -> dict[str, object]:
    """What the run's learner is called with beside its context: `weights`, if the file names some, and settings."""
    section = study.learners.get(study.training_of(run.factors).learner)
    weights = {} if section is None or section.weights is None else {"weights": section.weights}
    return weights | study.learner_settings(run.factors)


def refuse_learners(study: Study, runs: Iterable[Run]) -> None:
    """Raise InputFaults if a learner of the runs cannot be loaded here, or does not take its settings.

    Where workers install packages of their own, nothing is refused here: only the workers know.
    """
    if study.cluster.runtime_env:
        return
    faults: list[Fault] = []
    for name in study.baselines.own:
        try:
            baseline(name)
        except InputFaults as error:
            faults += error.faults
    for name, run in {study.training_of(run.factors).learner: run for run in runs if not run.is_baseline}.items():
        key, function = f"[learners.{name}]", study.learner_function(run.factors)
        if function == ONNX and find_spec("onnxruntime") is None:
            faults.append(Fault(FILE_NAME, key, None, "needs the package onnxruntime, which is not installed"))
        try:
            inspect.signature(learner(function).learn).bind(None, **arguments(study, run))
        except InputFaults as error:
            faults += error.faults
        except TypeError as error:
            faults.append(Fault(FILE_NAME, f"{key} settings", None, f"the learner {function!r} takes others: {error}"))
    raise_all(faults)
