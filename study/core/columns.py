"""The names of columns of sources and factors, in plans, results, designs and models: `source.tag`, `factor.width`."""

from __future__ import annotations

SOURCE, FACTOR, NUISANCE = "source.", "factor.", "nuisance."
"""What the names begin with."""
OBSERVED = ("device", "precision", "threads", "code_version")
"""Columns of results on conditions that are recorded, not assigned."""


def source_column(name: str) -> str:
    """Whether a run learns from this source."""
    return SOURCE + name


def factor_column(name: str) -> str:
    """The level of this further factor."""
    return FACTOR + name


def nuisance_column(name: str) -> str:
    """The level of this nuisance factor."""
    return NUISANCE + name


TRANSFER = factor_column("transfer")
"""How a run is transferred to a target, where a study has several ways."""
