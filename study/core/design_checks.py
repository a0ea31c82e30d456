"""Faults of `[factors]`, their scales, and of `[design]` with them: phases and constraints."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from study.core.design_models import model_faults
from study.core.errors import Fault, nearest
from study.core.factors import TRAINING_FACTORS, Level
from study.core.file_checks import faults_of_validation
from study.core.function_checks import (
    NO_STRATEGIES,
)
from study.core.paths import FILE_NAME
from study.core.plan_sections import Constraint, Phase
from study.core.scales import are_numbers
from study.core.sections import Source, Training
from study.core.strategies import ALONE, Strategies, single_of

RESERVED_FACTORS = ("strategy", "sources", "n_sources", "replicate", "phase", "target")


def factor_faults(name: str, levels: tuple[Level, ...], known: Strategies) -> Iterator[Fault]:
    key = f"[factors] {name}"
    if name == "strategy":
        for level in levels:
            if level not in known:
                yield Fault(FILE_NAME, key, level, f"expected one of {', '.join(known)}", nearest(str(level), known))
        return
    if name in RESERVED_FACTORS:
        yield Fault(FILE_NAME, key, None, "this name is taken; expected a different one")
    if len(levels) < 2:
        yield Fault(FILE_NAME, key, list(levels), "expected two levels or more")
    numeric = [isinstance(level, int | float) and not isinstance(level, bool) for level in levels]
    if not all(numeric) and len({type(level) for level in levels}) > 1:
        yield Fault(FILE_NAME, key, list(levels), "expected levels of one kind: all numbers, all text or all booleans")
    if name in TRAINING_FACTORS:
        for level in levels:
            try:
                Training.model_validate({name: level})
            except ValidationError as error:
                yield from faults_of_validation(FILE_NAME, "factors", Training, error)


def scale_faults(scales: Mapping[str, str], factors: Mapping[str, Any], evaluated: Container[str]) -> Iterator[Fault]:
    further = [name for name in factors if name != "strategy" and name not in evaluated]
    for name, scale in scales.items():
        key = f"[scale] {name}"
        if name not in further:
            expected = f"not a further factor of the study: {', '.join(further) or 'there is none'}"
            yield Fault(FILE_NAME, key, scale, expected, nearest(name, further))
        elif scale != "levels" and not are_numbers(factors[name]):
            yield Fault(FILE_NAME, key, scale, 'only numbers have distances; expected "levels", or leave it out')
        elif scale == "log" and min(factors[name]) <= 0:
            yield Fault(FILE_NAME, key, scale, f"{min(factors[name])} has no logarithm; expected levels above 0")


def nuisance_faults(names: Iterable[str], factors: Mapping[str, Any], evaluated: Iterable[str]) -> Iterator[Fault]:
    valid = [name for name in factors if name not in ("strategy", *evaluated, *TRAINING_FACTORS)]
    for name in sorted(names):
        if name not in valid:
            others = f"of {', '.join(valid)}" if valid else "there is none"
            expected = f"expected a factor of [factors] that acts neither on training nor on evaluation: {others}"
            yield Fault(FILE_NAME, "[[design.phase]] nuisance", name, expected, nearest(name, valid))


def phase_faults(
    phases: tuple[Phase, ...], strategies: Strategies, factors: Mapping[str, Any], sources: Sequence[str]
) -> Iterator[Fault]:
    """`strategies` are those that the study runs."""
    is_function = ALONE in strategies
    seen: set[str] = set()
    for number, phase in enumerate(phases, 1):
        key = f"[[design.phase]] {number} ({phase.name})"
        if phase.name in seen or phase.name == "baseline":
            yield Fault(FILE_NAME, f"{key} name", phase.name, "this name is taken; expected a different one")
        seen.add(phase.name)
        asked = phase.strategy if "strategy" in phase.model_fields_set else tuple(strategies)
        if "n_sources" not in phase.model_fields_set and not is_function:
            yield Fault(FILE_NAME, f"{key} n_sources", None, "missing")
            continue
        if is_function and "strategy" in phase.model_fields_set:
            yield Fault(FILE_NAME, f"{key} strategy", list(asked), NO_STRATEGIES)
            continue
        for strategy in asked:
            if strategy not in strategies:
                yield Fault(
                    FILE_NAME,
                    f"{key} strategy",
                    strategy,
                    f"not a level of [factors] strategy: {', '.join(strategies)}",
                    nearest(strategy, strategies),
                )
        for n in phase.n_sources:
            if n > len(sources):
                yield Fault(FILE_NAME, f"{key} n_sources", n, f"expected at most {len(sources)}, the number of sources")
        possible = [strategies[s] for s in asked if s in strategies]
        if phase.n_sources and possible and not any(one.allows(n) for one in possible for n in phase.n_sources):
            expected = f"no run is possible: {single_of(strategies)} has one source, the other strategies two or more"
            yield Fault(FILE_NAME, f"{key} n_sources", list(phase.n_sources), expected)
        if phase.criterion is not None and phase.repeats != 1:
            expected = "of factorial phases alone; `repeat_share` repeats some of a sequential phase's runs"
            yield Fault(FILE_NAME, f"{key} repeats", phase.repeats, expected)
        if phase.criterion is None and phase.repeat_share:
            yield Fault(
                FILE_NAME,
                f"{key} repeat_share",
                phase.repeat_share,
                "of sequential phases alone; `repeats` repeats a factorial one",
            )
        further = {name: levels for name, levels in factors.items() if name != "strategy"}
        yield from model_faults(phase.model, phase.want_if_possible, sources, further, FILE_NAME, key)
        valid = ("strategy", "sources", "n_sources", *further)
        for name in phase.balance:
            if name not in valid:
                yield Fault(
                    FILE_NAME, f"{key} balance", name, f"expected one of {', '.join(valid)}", nearest(name, valid)
                )


def constraint_faults(
    constraints: tuple[Constraint, ...], sources: Mapping[str, Source], factors: Mapping[str, Any]
) -> Iterator[Fault]:
    levels: dict[str, tuple[Any, ...]] = {**factors, "sources": tuple(sources)}
    levels["n_sources"] = tuple(range(1, len(sources) + 1))
    for number, constraint in enumerate(constraints, 1):
        section = f"[[design.constraint]] {number}"
        if (constraint.forbid is None) == (constraint.require is None):
            yield Fault(FILE_NAME, section, None, "expected either `forbid` or `require`")
        elif constraint.forbid is not None and constraint.when is not None:
            yield Fault(FILE_NAME, f"{section} when", None, "works only with `require`; put it all under `forbid`")
        named = {"forbid": constraint.forbid, "when": constraint.when, "require": constraint.require}
        for role, combination in named.items():
            for name, value in (combination or {}).items():
                yield from _entry_faults(f"{section} {role}.{name}", name, value, levels)


def _entry_faults(key: str, name: str, value: Any, levels: Mapping[str, tuple[Any, ...]]) -> Iterator[Fault]:
    if name not in levels:
        yield Fault(FILE_NAME, key, None, f"expected one of {', '.join(levels)}", nearest(name, levels))
        return
    for level in value if isinstance(value, tuple) else (value,):
        if level not in levels[name]:
            yield Fault(
                FILE_NAME,
                key,
                level,
                f"expected one of {', '.join(map(str, levels[name]))}",
                nearest(str(level), map(str, levels[name])),
            )
