"""Faults between the keys of one `[sources.NAME]`."""

from __future__ import annotations

from collections.abc import Iterator

from study.core.errors import Fault, nearest
from study.core.objectives import suited
from study.core.paths import FILE_NAME
from study.core.sections import LABELS, Source


def source_faults(name: str, source: Source) -> Iterator[Fault]:
    section = f"[sources.{name}]"
    if source.labels is None:
        yield Fault(FILE_NAME, f"{section} labels", None, "missing")
        return
    if source.labels not in LABELS:  # of a package, which reads what it likes
        if source.table is not None and source.path is not None:
            yield Fault(FILE_NAME, f"{section} path", str(source.path), "expected either `table` or `path`")
    elif source.reader is not None or source.path is not None:
        yield Fault(
            FILE_NAME,
            f"{section} reader",
            source.reader,
            "published formats are not supported by this version; expected `table`",
        )
    elif source.labels == "self" and source.table is not None:
        yield Fault(FILE_NAME, f"{section} table", str(source.table), 'labels = "self" has no table')
    elif source.labels != "self" and source.table is None:
        yield Fault(FILE_NAME, f"{section} table", None, f'missing; labels = "{source.labels}" needs a table')
    if source.objective is not None:
        valid = suited(source.labels)
        if source.objective not in valid:
            expected = f'expected one of {", ".join(valid)} for labels = "{source.labels}"'
            near = nearest(source.objective, valid)
            yield Fault(FILE_NAME, f"{section} objective", source.objective, expected, near)
    if source.tf_idf and source.labels != "plsa":
        yield Fault(FILE_NAME, f"{section} tf_idf", True, 'only for labels = "plsa"')
    if source.resolution is not None and source.labels != "gmm":
        yield Fault(FILE_NAME, f"{section} resolution", source.resolution, 'only for labels = "gmm"')
    if source.order is not None and source.labels != "ordinal":
        yield Fault(FILE_NAME, f"{section} order", list(source.order), 'only for labels = "ordinal"')
    elif source.order is not None and "factors" in source.model_fields_set and source.factors != len(source.order):
        yield Fault(
            FILE_NAME,
            f"{section} factors",
            source.factors,
            f"expected {len(source.order)}, the number of levels in `order`; or leave it out",
        )
    if source.labels in ("self", "number") and "factors" in source.model_fields_set:
        yield Fault(FILE_NAME, f"{section} factors", source.factors, f'labels = "{source.labels}" has no factors')
