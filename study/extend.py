"""What a package of your own imports to extend a study: the one documented path (docs/extend.md).

    from study.extend import Objective

Where these names are defined may change between versions; that they can be imported from here does not. Each is
imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.labels.label_models import LABEL_MODELS, LabelModel
    from jobs.labels.tables import ScalarTable, TermTable, read_columns, read_scalars, read_terms, rows_of
    from jobs.learning.batches import crop_reader
    from jobs.learning.learners.learner import Context, Learned, Learner
    from jobs.learning.learners.multi_source import untrained_network
    from jobs.learning.objectives.objective import Objective
    from jobs.sound.decode import decode
    from jobs.targets.splits import Split
    from jobs.targets.tasks import TargetTask
    from jobs.targets.track_labels import TargetData, read_tracks
    from study.core.backbones.layers import Backbone, Convolution, Cost, Dense, Dropout, Flatten, Lstm, Module
    from study.core.errors import Fault, InputFaults, RunFailed
    from study.core.sections import Source, Target

_HOMES = {
    "Backbone": "study.core.backbones.layers",
    "Convolution": "study.core.backbones.layers",
    "Cost": "study.core.backbones.layers",
    "Dense": "study.core.backbones.layers",
    "Dropout": "study.core.backbones.layers",
    "Flatten": "study.core.backbones.layers",
    "Lstm": "study.core.backbones.layers",
    "Module": "study.core.backbones.layers",
    "Context": "jobs.learning.learners.learner",
    "Fault": "study.core.errors",
    "InputFaults": "study.core.errors",
    "LABEL_MODELS": "jobs.labels.label_models",
    "LabelModel": "jobs.labels.label_models",
    "Learned": "jobs.learning.learners.learner",
    "Learner": "jobs.learning.learners.learner",
    "Objective": "jobs.learning.objectives.objective",
    "RunFailed": "study.core.errors",
    "ScalarTable": "jobs.labels.tables",
    "Source": "study.core.study_file",
    "Split": "jobs.targets.splits",
    "Target": "study.core.study_file",
    "TargetData": "jobs.targets.track_labels",
    "TargetTask": "jobs.targets.tasks",
    "TermTable": "jobs.labels.tables",
    "crop_reader": "jobs.learning.batches",
    "decode": "jobs.sound.decode",
    "read_columns": "jobs.labels.tables",
    "read_scalars": "jobs.labels.tables",
    "read_terms": "jobs.labels.tables",
    "read_tracks": "jobs.targets.track_labels",
    "rows_of": "jobs.labels.tables",
    "untrained_network": "jobs.learning.learners.multi_source",
}

__all__ = [
    "LABEL_MODELS",
    "Backbone",
    "Context",
    "Convolution",
    "Cost",
    "Dense",
    "Dropout",
    "Fault",
    "Flatten",
    "InputFaults",
    "LabelModel",
    "Learned",
    "Learner",
    "Lstm",
    "Module",
    "Objective",
    "RunFailed",
    "ScalarTable",
    "Source",
    "Split",
    "Target",
    "TargetData",
    "TargetTask",
    "TermTable",
    "crop_reader",
    "decode",
    "read_columns",
    "read_scalars",
    "read_terms",
    "read_tracks",
    "rows_of",
    "untrained_network",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'study.extend' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
