"""Check: every fault of the study file, its tables and its sound, at once, and warnings of later trouble."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from study.core.errors import Caution, Fault, InputFaults, distinct
from study.core.extensions import SOURCES, TARGETS, Extension, extensions
from study.core.fault_list import list_faults
from study.core.paths import Paths
from study.core.reading import read_sections
from study.core.scales import proposals
from study.core.sections import LABELS, TASKS
from study.core.study_file import Study
from study.workflow.cost_of_a_run import RunCost, cost_of_a_run
from study.workflow.data_cautions import (
    changed_cautions,
    dropped_cautions,
    leakage_cautions,
    separator_cautions,
    target_cautions,
    unlabelled_cautions,
)
from study.workflow.estimates import planned_runs
from study.workflow.extras import needs_train
from study.workflow.plan_cautions import plan_cautions


@dataclass(frozen=True)
class Checked:
    """The faults, the cautions (allowed, but likely trouble later) and, without faults, the cost of a run and
    proposals for the study file.

    `list_of_all` names the file that lists all faults if only some of them are printed; `extensions` are what installed
    packages add, used or not.
    """

    faults: tuple[Fault, ...]
    cautions: tuple[Caution, ...] = ()
    cost: RunCost | None = None
    list_of_all: str = ""
    proposals: tuple[str, ...] = ()
    extensions: tuple[Extension, ...] = ()

    def as_json(self) -> dict[str, Any]:
        faults = [
            {
                "file": fault.file,
                "key": fault.key,
                "value": None if fault.value is None else str(fault.value),
                "expected": fault.expected,
                "nearest": fault.nearest,
            }
            for fault in self.faults
        ]
        return {
            "ok": not faults,
            "faults": faults,
            "warnings": [asdict(caution) for caution in self.cautions],
            "cost": asdict(self.cost) if self.cost else None,
            "proposals": list(self.proposals),
            "extensions": [asdict(extension) for extension in self.extensions],
        }


@needs_train()
def check_folder(folder: Path, overrides: Sequence[str] = ()) -> Checked:
    """Check the study in `folder`: its file, its tables and its sound. Faulty sections do not stop the others.

    Nothing of installed packages is loaded, so tables that only they can read are left out, with a caution.
    """
    return replace(_checked(folder, overrides), extensions=extensions())


def _checked(folder: Path, overrides: Sequence[str]) -> Checked:
    try:
        study, faults = read_sections(folder, overrides)
    except InputFaults as error:
        return Checked(error.faults)
    if "run" in study.tables:  # also where that section is faulty
        if faults:
            return Checked(tuple(distinct(faults)))
        return Checked((), tuple(plan_cautions(study)), None, "", tuple(proposals(study.further_factors, study.scale)))
    from jobs.changed_data import changes_since_training
    from jobs.checked_sound import check_sound, content_of
    from jobs.inputs import CORPUS, read_inputs

    whole, (study, cautions) = study, _without_extensions(study)
    workers, inputs = os.cpu_count() or 1, read_inputs(study)
    dropped, of_sound = check_sound(study, inputs, workers)
    faults += [*inputs.faults, *of_sound]
    cautions += [
        *separator_cautions(study),
        *target_cautions(whole, inputs.targets),
        *dropped_cautions(inputs, dropped),
    ]
    corpus = inputs.corpus
    if corpus is not None:
        cautions += unlabelled_cautions(study, corpus)
    if corpus is not None and "header" in study.model_fields_set:  # which says where the store is
        hash_of = content_of(study, inputs, workers)
        cautions += leakage_cautions(inputs, dropped, hash_of)
        if not faults:
            cautions += plan_cautions(whole)
        if not faults and study is whole:
            runs = planned_runs(study)
            without = dropped.get(CORPUS, {})
            cautions += changed_cautions(changes_since_training(study, corpus, hash_of, without, runs))
    if "header" not in study.model_fields_set:
        return Checked(tuple(distinct(faults)), tuple(cautions))
    list_of_all = list_faults(faults, Paths(study.store).faults)
    if faults:
        return Checked(tuple(distinct(faults)), tuple(cautions), None, list_of_all)
    proposed = tuple(proposals(study.further_factors, study.scale))
    return Checked((), tuple(cautions), cost_of_a_run(whole), list_of_all, proposed)


def _without_extensions(study: Study) -> tuple[Study, list[Caution]]:
    """The study without sources and targets whose tables only an installed package can read, and a caution for each."""
    sources = {name: source for name, source in study.sources.items() if source.labels in (None, *LABELS)}
    targets = {
        name: target
        for name, target in study.targets.items()
        if target.task in TASKS and target.source in (None, *sources)
    }
    left_out = [
        (f"[sources.{name}] labels", SOURCES, source.labels)
        for name, source in study.sources.items()
        if name not in sources
    ] + [
        (f"[targets.{name}] task", TARGETS, target.task)
        for name, target in study.targets.items()
        if target.task not in TASKS
    ]
    because = "can read its table, and `study check` loads no packages"
    cautions = [
        Caution(key, f"only the {one} {because}", "study prepare")
        for key, group, named in left_out
        for one in extensions(group)
        if one.name == named
    ]
    return (study.model_copy(update={"sources": sources, "targets": targets}) if left_out else study), cautions
