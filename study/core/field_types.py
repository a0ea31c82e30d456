"""Types of the study file's values: numbers, names, paths. Each is refused with what was expected instead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationInfo
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from study.core.errors import nearest
from study.core.extensions import extension_names
from study.core.margin import read_margin
from study.core.scales import points_of

POINTS, MOST_POINTS = 17, 101
"""Of a range: where the file does not say, and at most."""
MOST_COUNTS = 1000
"""Numbers of sources in a range."""
LONGEST_NAME = 100
"""Characters. Names become part of file names, of which a file system takes 255 bytes, with what is added to them."""


def _in_study_folder(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return (folder / path).resolve() if folder else path


def _store(value: object) -> object:
    if isinstance(value, str) and value.startswith("s3://"):
        raise PydanticCustomError("unsupported", "object stores are not supported by this version; expected a folder")
    return value


def _sample_rate(value: object) -> object:
    if isinstance(value, int | float) and not 4000 <= value <= 192000:
        guess = int(value * 1000)
        hint = {"nearest": str(guess)} if 4000 <= guess <= 192000 else {}
        raise PydanticCustomError("sample_rate", "expected an integer from 4000 to 192000", hint)
    return value


def _counts(value: object) -> object:
    """`{ from = 2, to = 7 }` or a list, as a list."""
    if isinstance(value, Mapping):
        if set(value) != {"from", "to"} or not all(type(v) is int for v in value.values()):
            raise PydanticCustomError("range", "expected a list of integers or { from = INTEGER, to = INTEGER }")
        if value["to"] - value["from"] >= MOST_COUNTS:
            raise PydanticCustomError("range", f"expected a range of at most {MOST_COUNTS} integers")
        return list(range(value["from"], value["to"] + 1))
    return value


def _factor_ranges(value: object, info: ValidationInfo) -> object:
    """`[factors]` with each `{ from = 1e-5, to = 0.1 }` as its points on the scale that `[scale]` gives it."""
    if not isinstance(value, Mapping):
        return value
    scales = (info.context or {}).get("scale", {})
    return {name: _points(of, scales.get(name)) for name, of in value.items()}


def _points(value: object, scale: object) -> object:
    if not isinstance(value, Mapping):
        return value
    n = value.get("points", POINTS)
    ends = [value.get("from"), value.get("to")]
    numbers = all(type(end) in (int, float) and math.isfinite(end) for end in ends)  # type: ignore[arg-type]
    known = set(value) <= {"from", "to", "points"} and type(n) is int and 3 <= n <= MOST_POINTS
    if not (known and numbers and ends[0] < ends[1]):  # type: ignore[operator]
        expected = (
            f"expected a list of levels, or {{ from = NUMBER, to = LARGER NUMBER }}, with points = 3 to {MOST_POINTS}"
        )
        raise PydanticCustomError("factor_range", expected)
    if scale == "log" and ends[0] <= 0:  # type: ignore[operator]
        raise PydanticCustomError("factor_range", 'expected from above 0, as its scale is "log"')
    return points_of(ends[0], ends[1], n, "log" if scale == "log" else "linear")  # type: ignore[arg-type]


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("not_finite", "expected a finite number")
    return value


def _design_model(value: object) -> object:
    weights = value if isinstance(value, Mapping) else {value: 1.0}
    numbers = all(type(weight) in (int, float) and 0 < weight < math.inf for weight in weights.values())
    if not weights or not numbers or not all(isinstance(name, str) and name.strip() for name in weights):
        expected = 'expected "main", "first", a formula, or a table of these with weights above 0'
        raise PydanticCustomError("design_model", expected)
    return value


def _margin(value: object) -> object:
    try:
        read_margin(value)
    except ValueError as error:
        raise PydanticCustomError("margin", "{expected}", {"expected": str(error)}) from None
    return value


def one_of(group: str, names: Sequence[str]) -> AfterValidator:
    """One of our `names`, or of those that installed packages add to the group of entry points."""

    def known(value: str) -> str:
        if value not in names:
            valid = (*names, *extension_names(group))
            if value not in valid:
                expected = f"expected {' or '.join(', '.join(map(repr, valid)).rsplit(', ', 1))}"
                near = nearest(value, valid)
                raise PydanticCustomError("unknown_name", "{expected}", {"expected": expected, "nearest": near})
        return value

    return AfterValidator(known)


def distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise PydanticCustomError("repeated", "expected each item only once")
    return values


Int = Annotated[int, Strict()]
Positive = Annotated[int, Strict(), Field(ge=1, le=10**6)]
Repeats = Annotated[int, Strict(), Field(ge=1, le=1000)]
Count = Annotated[int, Strict(), Field(ge=0, le=10**6)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Text = Annotated[str, Strict(), Field(min_length=1)]
Margin = Annotated[float | str, BeforeValidator(_margin)]
Flag = Annotated[bool, Strict()]
Name = Annotated[str, Strict(), Field(pattern=r"^[a-z0-9_-]+$", max_length=LONGEST_NAME)]
Location = Annotated[Path, AfterValidator(_in_study_folder)]
Store = Annotated[Location, BeforeValidator(_store)]
SampleRate = Annotated[Int, BeforeValidator(_sample_rate)]
CountRange = TypedDict("CountRange", {"from": int, "to": int})
Counts = Annotated[
    Annotated[tuple[Positive, ...], Field(min_length=1), AfterValidator(distinct)],
    BeforeValidator(_counts, json_schema_input_type=Annotated[list[Positive], Field(min_length=1)] | CountRange),
]
StrategyName = Annotated[str, Strict(), Field(pattern=r"^[A-Za-z0-9@._-]+$", max_length=LONGEST_NAME)]
Scalar = Annotated[
    Annotated[bool, Strict()] | Annotated[int, Strict()] | Annotated[float, Strict()] | Annotated[str, Strict()],
    AfterValidator(_finite),
]
Levels = Annotated[tuple[Scalar, ...], Field(min_length=1), AfterValidator(distinct)]
LevelRange = TypedDict(
    "LevelRange", {"from": float, "to": float, "points": NotRequired[Annotated[int, Field(ge=3, le=MOST_POINTS)]]}
)
Factors = Annotated[
    dict[Name, Levels],
    BeforeValidator(
        _factor_ranges, json_schema_input_type=dict[Name, Annotated[list[Scalar], Field(min_length=1)] | LevelRange]
    ),
]
"""The two ranges describe what the file may say; `_counts` and `_points` check it, in words of their own."""

DesignModel = Annotated[str | dict[str, float], BeforeValidator(_design_model)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
