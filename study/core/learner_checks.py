"""Faults of learners: names that there are not, and settings that would have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from study.core.errors import Fault, nearest
from study.core.evaluation_factors import EVALUATION_FACTORS
from study.core.extensions import LEARNERS, extension_names
from study.core.factors import TRAINING_FACTORS
from study.core.learners import BASE, BUILT_IN, ONNX, TAKEN
from study.core.paths import FILE_NAME
from study.core.sections import LearnerSection


def learner_faults(sections: Mapping[str, Any]) -> Iterator[Fault]:
    """Sections that are faulty themselves are absent from `sections`; `training` and `factors` are there."""
    declared: Mapping[str, LearnerSection] = sections.get("learners", {})
    functions, factors = (*BUILT_IN, *extension_names(LEARNERS)), sections["factors"]
    named = {str(level): "[factors] learner" for level in factors.get("learner", ())}
    named = named or {sections["training"].learner: "[training] learner"}
    for name, key in named.items():
        if name not in (*functions, *declared):
            expected = f"expected one of {', '.join((*functions, *declared))}, or one that an installed package adds"
            yield Fault(FILE_NAME, key, name, expected, nearest(name, (*functions, *declared)))
        elif name == ONNX and name not in declared:
            yield Fault(FILE_NAME, "[learners.onnx] weights", None, "missing; the encoder is read from this file")
    for name, section in declared.items():
        key, function = f"[learners.{name}]", section.learner or name
        if name == BASE:
            yield Fault(FILE_NAME, key, None, 'the settings of "base" are those of [training]')
        elif name not in named:
            yield Fault(FILE_NAME, key, None, "has no effect: neither [training] nor [factors] names this learner")
        elif function not in functions or function == BASE:
            valid = [each for each in functions if each != BASE]
            yield Fault(
                FILE_NAME, f"{key} learner", function, f"expected one of {', '.join(valid)}", nearest(function, valid)
            )
        elif function == ONNX and section.weights is None:
            yield Fault(FILE_NAME, f"{key} weights", None, "missing; the encoder is read from this file")
        for setting in section.settings:
            if setting in (*TAKEN, *TRAINING_FACTORS, *EVALUATION_FACTORS, "strategy"):
                yield Fault(
                    FILE_NAME, f"{key} settings.{setting}", None, "this name is taken; expected a different one"
                )
