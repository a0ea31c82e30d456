"""Faults of a study whose runs are a function (`[run] function`): what it needs, and what would have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from study.core.errors import Fault, nearest
from study.core.paths import FILE_NAME
from study.core.sections import Source, Target

NO_STRATEGIES = "a study whose runs are a function has no strategies; give the factor another name"
WITHOUT_EFFECT = ("corpus", "mel", "training", "fine_tuning", "baselines", "learners", "strategies")
NAMES_OF_RESULTS = ("run_id", "score", "outcome", "repeat", "fold", "metric")
OF_SCORES = ("task", "metrics")


def function_faults(sections: Mapping[str, Any]) -> Iterator[Fault]:
    """Sections and factors that only studies of sound have."""
    for name in WITHOUT_EFFECT:
        section = sections.get("own_strategies" if name == "strategies" else name)
        if getattr(section, "model_fields_set", section):
            expected = "has no effect in a study whose runs are a function ([run]); leave it out"
            yield Fault(FILE_NAME, f"[{name}]", None, expected)
    factors = sections.get("factors", {})
    if "strategy" in factors:
        yield Fault(FILE_NAME, "[factors] strategy", list(factors["strategy"]), NO_STRATEGIES)
    for name in factors:
        if name in NAMES_OF_RESULTS:
            yield Fault(FILE_NAME, f"[factors] {name}", None, "this name is taken; expected a different one")
    if not factors and not sections.get("sources"):
        yield Fault(FILE_NAME, "[factors]", None, "expected a factor or a source: the function has nothing to vary")


def source_of_function_faults(name: str, source: Source) -> Iterator[Fault]:
    """A function gets the names of its run's sources, nothing else of them."""
    for key in source.model_fields_set:
        expected = "has no effect: a function ([run]) gets the source's name alone"
        yield Fault(FILE_NAME, f"[sources.{name}] {key}", getattr(source, key), expected)


def score_target_faults(name: str, target: Target, is_function: bool) -> Iterator[Fault]:
    """`task = "score"` is for functions, and functions have no other."""
    section = f"[targets.{name}]"
    if not is_function:
        yield Fault(FILE_NAME, f"{section} task", "score", "needs [run] function, which returns the score")
    elif target.task != "score":
        expected = 'expected "score": the function ([run]) returns the scores'
        yield Fault(FILE_NAME, f"{section} task", target.task, expected)
    if target.task != "score":
        return
    if not target.metrics:
        yield Fault(
            FILE_NAME, f"{section} metrics", None, 'missing; such as ["accuracy"], or ["loss-"] if less is better'
        )
    for key in sorted(target.model_fields_set - set(OF_SCORES)):
        expected = f'not for task = "score"; it has {" and ".join(OF_SCORES)}'
        yield Fault(FILE_NAME, f"{section} {key}", str(getattr(target, key)), expected, nearest(key, OF_SCORES))
