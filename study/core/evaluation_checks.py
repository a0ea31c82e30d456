"""Faults of evaluation factors: levels that there are not, and settings that would have no effect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from study.core.backbones import BACKBONES
from study.core.errors import Fault, nearest
from study.core.evaluation_factors import (
    EVALUATION_FACTORS,
    OWN_HEAD,
    REPRESENTATION,
    TRAINED,
    of_evaluation,
    stages_and_statistics,
)
from study.core.paths import FILE_NAME
from study.core.sections import Target


def evaluation_faults(sections: Mapping[str, Any]) -> Iterator[Fault]:
    """Sections that are faulty themselves are absent from `sections`; `factors` is there."""
    factors, evaluated = sections["factors"], of_evaluation(sections["factors"])
    for name in evaluated:
        factor, key = EVALUATION_FACTORS[name], f"[factors] {name}"
        for level in factors[name]:
            if not factor.has(level):
                yield Fault(FILE_NAME, key, level, factor.expected, nearest(str(level), factor.named))
        reference = factor.named[0]
        if factor.needs_reference and reference not in factors[name]:
            expected = f'"{reference}" is missing: other levels are compared with it, and some runs have only this one'
            yield Fault(FILE_NAME, key, list(factors[name]), expected)
    trains = set(TRAINED) & set(evaluated.get("transfer", ()))
    if "fine_tuning" in sections and sections["fine_tuning"].model_fields_set and not trains:
        expected = 'has no effect without [factors] transfer = ["frozen", "fine-tune"]'
        yield Fault(FILE_NAME, "[fine_tuning]", None, expected)
    if OWN_HEAD in evaluated.get("transfer", ()) and not any(t.source for t in sections.get("targets", {}).values()):
        expected = "has no effect: no target is of a source ([targets.NAME] source)"
        yield Fault(FILE_NAME, "[factors] transfer", OWN_HEAD, expected)
    targets: Mapping[str, Target] = sections.get("targets", {}) if "probe" in evaluated else {}
    for name, target in targets.items():
        if "probe" in target.model_fields_set and target.task != "recommendation":
            expected = "has no effect, since [factors] probe sets it for all targets; leave it out"
            yield Fault(FILE_NAME, f"[targets.{name}] probe", target.probe, expected)
    if "training" in sections and "readout" in evaluated:
        yield from _readout_faults(evaluated["readout"], factors.get("backbone", (sections["training"].backbone,)))


def _readout_faults(readouts: Iterable[str], backbones: Iterable[object]) -> Iterator[Fault]:
    """Stages that some backbone of the study does not have."""
    known = {
        str(name): [layer.name for layer in BACKBONES[str(name)].layers] for name in backbones if name in BACKBONES
    }
    for readout in filter(EVALUATION_FACTORS["readout"].has, readouts):
        for stage in stages_and_statistics(readout)[0]:
            for backbone, stages in known.items():
                if stage not in (REPRESENTATION, *stages):
                    expected = f'backbone "{backbone}" has the stages {", ".join((REPRESENTATION, *stages))}'
                    yield Fault(FILE_NAME, "[factors] readout", readout, expected, nearest(stage, stages))
                    break
