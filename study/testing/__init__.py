"""What every part of a study must do, as test classes for pytest that the tests of a package of your own subclass.

    from study.testing import ObjectiveContract

    class TestAbsolute(ObjectiveContract):
        name = "absolute"                     # of the entry point
        ...

Each contract is imported when it is first used. The project's own tests use the same classes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from study.testing.backbone import BackboneContract
    from study.testing.baseline import BaselineContract
    from study.testing.label_model import LabelModelContract
    from study.testing.learner import LearnerContract
    from study.testing.objective import ObjectiveContract
    from study.testing.target import TargetContract, TrackLabelContract

_HOMES = {
    "BackboneContract": "backbone",
    "BaselineContract": "baseline",
    "LabelModelContract": "label_model",
    "LearnerContract": "learner",
    "ObjectiveContract": "objective",
    "TargetContract": "target",
    "TrackLabelContract": "target",
}

__all__ = [
    "BackboneContract",
    "BaselineContract",
    "LabelModelContract",
    "LearnerContract",
    "ObjectiveContract",
    "TargetContract",
    "TrackLabelContract",
]

pytest.register_assert_rewrite(*(f"{__name__}.{home}" for home in set(_HOMES.values())))  # failures show their values


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
