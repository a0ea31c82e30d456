"""Space filling: the first runs of a plan lie far apart in its ranges, so that any shape of an effect shows.

A coffee-house design (Mueller 2007): each run is among those furthest from the runs so far. Ten runs per range are
enough to see a shape (Loeppky, Sacks & Welch 2009); after them information alone decides, and that is at the ends and
in the middle.
"""

from __future__ import annotations

import numpy as np

from design.candidates import Candidates
from study.core.scales import scaled

RUNS_PER_RANGE = 10
NEARLY = 0.75
"""Part of the largest distance to the nearest run from which a candidate counts as among the furthest."""


class SpaceFilling:
    """How far each candidate is from the runs so far, its ranges scaled to 0 to 1."""

    def __init__(self, candidates: Candidates, start: np.ndarray) -> None:
        self._ranges = [place for place, factor in enumerate(candidates.factors) if factor.is_range]
        self._places = [_places(candidates, place) for place in self._ranges]
        self._points = self._points_of(candidates.codes) if self._ranges else np.zeros((len(candidates), 0))
        self._distance = np.full(len(candidates), np.inf)
        self.n_runs = RUNS_PER_RANGE * len(self._ranges)
        for levels in start[: self.n_runs]:
            self.take(levels)

    def kept(self, allowed: np.ndarray, n_runs: int) -> np.ndarray:
        """Those of the allowed candidates (n_candidates,) that are nearly as far from all runs as any."""
        if n_runs > self.n_runs or n_runs == 1:
            return allowed
        furthest = self._distance.max(where=allowed, initial=0.0)
        return allowed & (self._distance >= NEARLY * furthest)

    def take(self, levels: np.ndarray) -> None:
        if self._ranges:
            point = self._points_of(levels[None])
            np.minimum(self._distance, np.linalg.norm(self._points - point, axis=1), out=self._distance)

    def _points_of(self, codes: np.ndarray) -> np.ndarray:
        return np.column_stack([places[codes[:, k]] for k, places in zip(self._ranges, self._places, strict=True)])


def _places(candidates: Candidates, position: int) -> np.ndarray:
    """Where a range's points are between its ends, 0 to 1."""
    levels = candidates.factors[position].levels
    points = scaled(levels, levels)
    return np.asarray((points - points.min()) / np.ptp(points))
