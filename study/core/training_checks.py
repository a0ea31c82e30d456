"""Faults of `[training]` with sources, factors and `[corpus]`: settings without effect, or that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from study.core.errors import Fault, nearest
from study.core.paths import FILE_NAME
from study.core.sections import Corpus, Source, Training


def training_faults(
    training: Training, sources: Mapping[str, Source], factors: Mapping[str, Any], corpus: Corpus | None
) -> Iterator[Fault]:
    """`corpus` is None if that section is faulty itself."""
    levels = {name: factors.get(name, (getattr(training, name),)) for name in type(training).model_fields}
    place = {name: "[factors]" if name in factors else "[training]" for name in levels}
    yield from _loss_faults(training, sources, factors)
    for name in training.weights:
        if name not in sources:
            expected = f"expected one of the sources {', '.join(sources)}"
            yield Fault(FILE_NAME, "[training] weights", name, expected, nearest(name, sources))
    if training.weights and "sum" not in levels["schedule"]:
        expected = 'has no effect without schedule = "sum"; a single source learns by its own loss at each step'
        yield Fault(FILE_NAME, "[training] weights", dict(training.weights), expected)
    if "decoupled" in levels["weight_decay"] and "sgd" in levels["optimiser"]:
        key = f"{place['weight_decay']} weight_decay"
        yield Fault(FILE_NAME, key, "decoupled", 'optimiser "sgd" has no such decay; expected "adam" or "nadam"')
    if corpus is not None and corpus.validation == 0:
        uses = {"select": "best" in levels["select"], "patience": any(n is not None for n in levels["patience"])}
        for name in [name for name, is_used in uses.items() if is_used]:
            expected = "needs validation tracks; expected [corpus] validation above 0"
            yield Fault(FILE_NAME, f"{place[name]} {name}", None, expected)


def _loss_faults(training: Training, sources: Mapping[str, Source], factors: Mapping[str, Any]) -> Iterator[Fault]:
    """Losses for tags in a study without a source of tags: they would have no effect."""
    if any(source.labels == "tags" for source in sources.values()):
        return
    because = 'applies only to sources with labels = "tags", and there are none; expected "kl"'
    if training.loss != "kl":
        yield Fault(FILE_NAME, "[training] loss", training.loss, because)
    for level in factors.get("loss", ()):
        if level in ("bce", "focal"):
            yield Fault(FILE_NAME, "[factors] loss", level, because)
