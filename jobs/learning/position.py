"""How far a training has come, and how long it has taken."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Position:
    """The progress of a training and the current epoch's losses; stored in checkpoints."""

    epoch: int = 0
    iteration: int = 0
    steps: int = 0
    seconds: float = 0.0
    loss_sums: list[float] = field(default_factory=list)
    loss_counts: list[int] = field(default_factory=list)


class Clock:
    """Seconds of training, earlier attempts included, and when the last checkpoint was written."""

    def __init__(self, earlier_s: float) -> None:
        self.earlier_s, self.began = earlier_s, time.monotonic()
        self.written = self.began

    def seconds(self) -> float:
        return self.earlier_s + time.monotonic() - self.began

    def is_due(self, minutes: float) -> bool:
        """Whether so many minutes have passed; if so, they start again."""
        if time.monotonic() - self.written < 60 * minutes:
            return False
        self.written = time.monotonic()
        return True
