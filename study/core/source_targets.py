"""Targets that are made of a source: the corpus's held-out tracks with its labels (`[targets.NAME] source`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from study.core.errors import Fault, nearest
from study.core.paths import FILE_NAME
from study.core.sections import METRICS, Corpus, Source, Target

TASK_OF = {"tags": "multilabel", "classes": "classification", "ordinal": "classification"}
"""Labels that are true or false of a track -> the task of a target of such a source."""
OF_SOURCE = ("task", "source", "metrics", "probe", "features", "repeats", "keep")


def source_target_faults(name: str, target: Target) -> Iterator[Fault]:
    """Keys that such a target does not have, and metrics of other tasks."""
    section = f"[targets.{name}]"
    for key in sorted(target.model_fields_set - set(OF_SOURCE)):
        expected = "not with `source`, whose table, held-out tracks and sound the target has"
        yield Fault(FILE_NAME, f"{section} {key}", str(getattr(target, key)), expected, nearest(key, OF_SOURCE))
    for metric in target.metric_names:
        valid = METRICS.get(target.task, ())
        if metric not in valid:
            expected = f"expected one of {', '.join(valid)}"
            yield Fault(FILE_NAME, f"{section} metrics", metric, expected, nearest(metric, valid))


def held_out_faults(
    targets: Mapping[str, Target], sources: Mapping[str, Source], corpus: Corpus | None
) -> Iterator[Fault]:
    """Sources that there are not, or whose labels are not true or false of a track; a corpus that holds nothing out."""
    for name, target in targets.items():
        if target.source is None:
            continue
        key, source = f"[targets.{name}] source", sources.get(target.source)
        if source is None:
            yield Fault(FILE_NAME, key, target.source, "no such source", nearest(target.source, sources))
        elif source.labels not in TASK_OF:
            expected = f"expected a source with labels {', '.join(TASK_OF)}; those of this one are shares of factors"
            yield Fault(FILE_NAME, key, target.source, expected)
        elif TASK_OF[source.labels] != target.task:
            expected = f'expected "{TASK_OF[source.labels]}" for a source with labels = "{source.labels}"'
            yield Fault(FILE_NAME, f"[targets.{name}] task", target.task, expected)
        if corpus is not None and corpus.validation == 0:
            yield Fault(FILE_NAME, "[corpus] validation", 0, f"expected above 0: [targets.{name}] has held-out tracks")
