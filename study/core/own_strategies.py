"""`[strategies.NAME]`: a study's own strategies beside the six, and their places on r*."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from study.core.backbones import BACKBONES
from study.core.backbones.layers import BRANCHING_POINTS, Shape
from study.core.errors import Fault, nearest
from study.core.factors import BASELINES
from study.core.field_types import Number, Section, Text
from study.core.paths import FILE_NAME
from study.core.strategies import ALL, BUILT_IN, NONE, Strategies, Strategy, by_size

SIZES = {one.share: one.size for one in BUILT_IN.values() if not one.is_single}
"""The places on r* of the six, by what several sources share."""
TYPICAL_CROP = (2, 216, 128)
"""Channels, frames and bands of a crop, where a study file's sections on sound are faulty."""


class Sharing(Section):
    """How the sources of a run share its network: up to which stage, and whether there are several."""

    share: Text | None = None
    sources: Literal["one", "many"] = "many"
    size: Annotated[Number, Field(ge=0, le=1)] | None = None


def known_strategies(own: Mapping[str, Sharing], backbones: Sequence[str], crop: Shape = TYPICAL_CROP) -> Strategies:
    """The six and a study's own, from the smallest network to the largest.

    A size that is not stated follows from the parameters of the study's first built-in backbone for a crop of
    (channels, frames, bands).
    """
    backbone = next((name for name in backbones if name in BACKBONES), "")
    found = {name: _strategy(sharing, backbone, crop) for name, sharing in own.items()}
    return by_size({**BUILT_IN, **found})


def faults_of_strategies(
    own: Mapping[str, Sharing], backbones: Mapping[str, str], levels: Sequence[str]
) -> Iterator[Fault]:
    """Every fault of `[strategies]`. `backbones` are those of the study, each with the section that names it; `levels`
    are the strategies that it runs."""
    faults = [fault for name, sharing in own.items() for fault in _faults_of(name, sharing, backbones)]
    expected = "has no effect: not a level of [factors] strategy; expected it there, or leave it out"
    faults += [Fault(FILE_NAME, f"[strategies.{name}]", None, expected) for name in own if name not in levels]
    yield from faults or _equal(own, [name for name in backbones if name in BACKBONES], levels)


def _faults_of(name: str, sharing: Sharing, backbones: Mapping[str, str]) -> Iterator[Fault]:
    section = f"[strategies.{name}]"
    if name in (*BUILT_IN, *BASELINES):
        yield Fault(FILE_NAME, section, None, "this name is taken; expected a different one")
    if sharing.sources == "one":
        if sharing.share is not None:
            expected = 'has no effect with sources = "one"; leave it out'
            yield Fault(FILE_NAME, f"{section} share", sharing.share, expected)
    elif sharing.share is None:
        yield Fault(FILE_NAME, f"{section} share", None, 'missing; expected a stage of the backbone, "all" or "none"')
    else:
        yield from _faults_of_share(f"{section} share", sharing.share, backbones)
        if sharing.size is None and sharing.share not in SIZES and not backbones.keys() & BACKBONES.keys():
            expected = "missing; expected a number from 0 to 1: parameters are known of built-in backbones alone"
            yield Fault(FILE_NAME, f"{section} size", None, expected)


def _strategy(sharing: Sharing, backbone: str, crop: Shape) -> Strategy:
    if sharing.sources == "one":
        return Strategy(ALL, "one", sharing.size or 0.0)
    share = sharing.share or NONE
    size = _size(share, backbone, crop) if sharing.size is None else sharing.size
    return Strategy(share, "many", size)


def _size(share: str, backbone: str, crop: Shape) -> float:
    """The place on r* by the parameters that each source has of its own, between those of the six's neighbours."""
    if share in SIZES or backbone not in BACKBONES:
        return SIZES.get(share, 0.0)
    sizes, shares = [cost.parameters for cost in BACKBONES[backbone].costs(crop) or ()], BACKBONES[backbone].shares
    own = [sum(sizes[shares[each] :]) for each in SIZES]
    return round(float(np.interp(sum(sizes[shares.get(share, 0) :]), own, list(SIZES.values()))), 4)


def _faults_of_share(key: str, share: str, backbones: Mapping[str, str]) -> Iterator[Fault]:
    for name, section in backbones.items():
        if name in BACKBONES and share not in BACKBONES[name].shares:
            stages = ", ".join(BACKBONES[name].stages)
            expected = (
                f'{section} backbone = "{name}" has the stages {stages}; expected one of them, a branching point '
                f'({", ".join(BRANCHING_POINTS)}), "all" or "none"'
            )
            yield Fault(FILE_NAME, key, share, expected, nearest(share, BACKBONES[name].shares))


def _equal(own: Mapping[str, Sharing], backbones: Sequence[str], levels: Sequence[str]) -> Iterator[Fault]:
    """Levels that build the same networks: their runs would differ by chance alone."""
    seen: dict[tuple[object, ...], str] = {}
    for name in levels:
        if name in BUILT_IN:
            one = BUILT_IN[name]
        elif name in own:
            one = _strategy(own[name], "base", TYPICAL_CROP)
        else:
            continue
        cuts = [BACKBONES[each].shares.get(one.share, one.share) for each in backbones] or [one.share]
        network = (one.sources, *cuts)
        if network in seen:
            expected = (
                f"builds the same networks as {seen[network]}; expected one of them as a level of [factors] strategy"
            )
            yield Fault(FILE_NAME, f"[strategies.{name if name in own else seen[network]}]", None, expected)
        seen.setdefault(network, name)
