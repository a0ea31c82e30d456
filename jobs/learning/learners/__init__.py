"""The learners by the name that `[training] learner` or `[learners.NAME]` gives: one file each, and those that
installed packages add.

A package adds its own by an entry point of the group `study.learners` that names a function `learn(context,
**settings) -> Learned`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib.metadata import entry_points
from importlib.util import find_spec

from jobs.learning.learners import base, baselines, onnx
from jobs.learning.learners.learner import Context, Learned, Learner
from study.core.errors import Fault, raise_all
from study.core.learners import GROUP, ONNX
from study.core.paths import FILE_NAME
from study.core.run import Run
from study.core.study_file import Study

LEARNERS: dict[str, Learner] = {"base": base.learn, "onnx": onnx.learn}
BASELINES: dict[str, Callable[[Context], Learned]] = {"Random": baselines.random, "MFCC": baselines.mfcc_of_files}


def learner(name: str) -> Learner:
    """The learner of this name. Raises ValueError if there is none, or it cannot be called."""
    if name in LEARNERS:
        return LEARNERS[name]
    for point in entry_points(group=GROUP, name=name):
        found = point.load()
        if not callable(found):
            raise ValueError(f"learner {name!r} of {point.value}: expected a function, found {type(found).__name__}")
        return found
    raise ValueError(f"no learner {name!r}; expected one of {', '.join(LEARNERS)}, or another of the group {GROUP}")


def learned(study: Study, run: Run, context: Context) -> Learned:
    """What the run's learner gives, called with its settings; a baseline has a learner of its own."""
    if run.is_baseline:
        return BASELINES[run.strategy](context)
    settings = arguments(study, run)
    return learner(study.learner_function(run.factors))(context, **settings)


def arguments(study: Study, run: Run) -> dict[str, object]:
    """What the run's learner is called with beside its context: `weights`, if the file names some, and settings."""
    section = study.learners.get(study.training_of(run.factors).learner)
    weights = {} if section is None or section.weights is None else {"weights": section.weights}
    return weights | study.learner_settings(run.factors)


def refuse_learners(study: Study, runs: list[Run]) -> None:
    """Raise InputFaults if a learner of the runs cannot be loaded here, or does not take its settings.

    Where workers install packages, only they can tell.
    """
    faults = []
    for name in dict.fromkeys(study.training_of(run.factors).learner for run in runs if not run.is_baseline):
        of_name = next(run for run in runs if study.training_of(run.factors).learner == name and not run.is_baseline)
        function = study.learner_function(of_name.factors)
        if function == ONNX and find_spec("onnxruntime") is None:
            expected = "needs the package onnxruntime, which is not installed"
            faults.append(Fault(FILE_NAME, f"[learners.{name}]", None, expected))
        try:
            signature = inspect.signature(learner(function))
            signature.bind(None, **arguments(study, of_name))
        except (ImportError, SyntaxError, AttributeError, ValueError, TypeError) as error:
            faults.append(Fault(FILE_NAME, f"[learners.{name}]", None, f"cannot be called: {error}"))
    if not study.cluster.runtime_env:
        raise_all(faults)
