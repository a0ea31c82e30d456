"""How the sources of a run share its network: the six strategies of Kim et al. 2019, Fig. 5, and a study's own.

Design, networks, costs, models and figures all take a strategy from here; its name is a label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ALL, NONE = "all", "none"
ALONE = ""
"""The strategy of all runs where there is nothing to share: those of a function."""


@dataclass(frozen=True)
class Strategy:
    """What the sources of a run share, and how many of them it may have.

    share: the last stage of the backbone that they share, one of its branching points (`@2`), "all" or "none".
    sources: "one" or "many" (two or more); "any" only for the runs of a function.
    size: its place on r*, the size of the network, from 0 to 1.
    """

    share: str
    sources: Literal["one", "many", "any"]
    size: float = 0.0

    def allows(self, n_sources: int) -> bool:
        """Whether a run may have so many sources (paper 3.2)."""
        return self.sources == "any" or (n_sources == 1 if self.sources == "one" else n_sources >= 2)

    @property
    def is_single(self) -> bool:
        return self.sources == "one"

    @property
    def definition(self) -> dict[str, str]:
        """What its networks are built by: everything but its place on r*."""
        return {"share": self.share, "sources": self.sources}


Strategies = Mapping[str, Strategy]
"""Strategies by name, from the smallest network to the largest."""

BUILT_IN: Strategies = MappingProxyType(
    {
        "SS-R": Strategy(ALL, "one", 0.0),
        "MS-SR@FC": Strategy(ALL, "many", 0.2),
        "MS-CR@6": Strategy("@6", "many", 0.4),
        "MS-CR@4": Strategy("@4", "many", 0.6),
        "MS-CR@2": Strategy("@2", "many", 0.8),
        "MSS-CR": Strategy(NONE, "many", 1.0),
    }
)
STRATEGIES = tuple(BUILT_IN)
"""The names of the six, from the smallest network to the largest."""
OF_FUNCTIONS: Strategies = MappingProxyType({ALONE: Strategy(NONE, "any")})


class StrategyLevels(tuple[str, ...]):
    """The levels of the factor `strategy` in a study's order, with all strategies `known` to the study."""

    known: Strategies

    def __new__(cls, levels: Iterable[str], known: Strategies) -> StrategyLevels:
        self = super().__new__(cls, levels)
        self.known = known
        return self

    def __getnewargs__(self) -> tuple[tuple[str, ...], Strategies]:
        return tuple(self), dict(self.known)


def known_to(levels: Sequence[object]) -> Strategies:
    """The strategies known to a study, from its levels; of levels from elsewhere the six."""
    return levels.known if isinstance(levels, StrategyLevels) else BUILT_IN


def single_of(strategies: Strategies, occurring: Iterable[str] = ()) -> str:
    """The strategy that others are compared with: the first of a single source that occurs, else that there is."""
    single = [name for name, one in strategies.items() if one.is_single]
    present = set(occurring)
    return next((name for name in single if name in present), next(iter(single), next(iter(BUILT_IN))))


def by_size(strategies: Strategies) -> Strategies:
    """The strategies from the smallest network to the largest; of equal ones, the earlier first."""
    return dict(sorted(strategies.items(), key=lambda item: item[1].size))


def strategy_named(named: str | Mapping[str, str] | Strategy) -> Strategy:
    """One of the six by its name, or a strategy as it stands in the header of weights (`as_written`).

    Raises ValueError for an unknown name.
    """
    if isinstance(named, Strategy):
        return named
    if isinstance(named, str):
        if named not in BUILT_IN:
            raise ValueError(f"no strategy {named!r}; expected one of {', '.join(BUILT_IN)}")
        return BUILT_IN[named]
    return Strategy(**named)  # type: ignore[arg-type]


def as_written(strategy: Strategy) -> str | dict[str, str]:
    """A strategy in the header of weights: the name of one of the six with its definition, or the definition."""
    same = (name for name, one in BUILT_IN.items() if one.definition == strategy.definition)
    return next(same, strategy.definition)
