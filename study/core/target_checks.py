"""Faults between the keys of one `[targets.NAME]`."""

from __future__ import annotations

from collections.abc import Iterator

from study.core.errors import Fault, nearest
from study.core.paths import FILE_NAME
from study.core.sections import METRICS, Target
from study.core.source_targets import source_target_faults


def target_faults(name: str, target: Target) -> Iterator[Fault]:
    section = f"[targets.{name}]"
    if target.source is not None:
        yield from source_target_faults(name, target)
        return
    if target.task == "multilabel":
        expected = "tables are not supported by this version; expected `source`, a source of tags"
        yield Fault(FILE_NAME, f"{section} task", "multilabel", expected)
        return
    if target.reader is not None or target.path is not None:
        yield Fault(
            FILE_NAME,
            f"{section} reader",
            target.reader,
            "published data sets are not supported by this version; expected `tracks`",
        )
    elif target.tracks is None:
        yield Fault(FILE_NAME, f"{section} tracks", None, "missing")
    recommends, is_ours = target.task == "recommendation", target.task in METRICS
    if recommends != (target.interactions is not None):
        expected = 'missing; task = "recommendation" needs one' if recommends else 'only for task = "recommendation"'
        yield Fault(FILE_NAME, f"{section} interactions", None, expected)
    if target.holdout is not None and not recommends:
        yield Fault(FILE_NAME, f"{section} holdout", target.holdout, 'only for task = "recommendation"')
    without = ("probe", "folds", "split", "unsplit") if recommends else () if is_ours else ("probe",)
    for key in without:
        if key in target.model_fields_set:
            yield Fault(FILE_NAME, f"{section} {key}", getattr(target, key), f'not for task = "{target.task}"')
    if target.split not in (None, "published", "random"):
        yield Fault(
            FILE_NAME,
            f"{section} split",
            target.split,
            'a split file is not supported by this version; expected "published" (the column `split` of the '
            'tracks table) or "random"',
            nearest(target.split or "", ("published", "random")),
        )
    if target.folds is not None and target.split == "published":
        yield Fault(FILE_NAME, f"{section} folds", target.folds, 'cannot be combined with split = "published"')
    if target.unsplit == "folds":
        if target.split == "random" or target.folds is not None:
            yield Fault(FILE_NAME, f"{section} unsplit", "folds", 'cannot be combined with `folds` or split = "random"')
        if target.repeats < 2:
            yield Fault(FILE_NAME, f"{section} repeats", target.repeats, 'expected 2 or more, the folds of "folds"')
    if target.task == "regression" and target.probe == "logistic":
        yield Fault(FILE_NAME, f"{section} probe", "logistic", 'classification only; expected "mlp", "knn" or "svm"')
    yield from _metric_faults(section, target)


def _metric_faults(section: str, target: Target) -> Iterator[Fault]:
    recommends, is_ours = target.task == "recommendation", target.task in METRICS
    if not is_ours and not target.metrics:
        expected = f'missing; task = "{target.task}" of a package has no default'
        yield Fault(FILE_NAME, f"{section} metrics", None, expected)
    for metric in target.metric_names if is_ours else ():
        head, _, cut = metric.partition("@")
        sized = recommends and head == "ndcg" and cut.removesuffix("_heldout").isdigit() and not cut.startswith("0")
        if metric not in METRICS[target.task] and not sized:
            yield Fault(
                FILE_NAME,
                f"{section} metrics",
                metric,
                f"expected one of {', '.join(METRICS[target.task])}",
                nearest(metric, METRICS[target.task]),
            )
