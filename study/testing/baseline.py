"""What every baseline must do: as a learner, without learning. A test class inherits the contract and names it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs.learning.learners import baseline
from jobs.learning.learners.learner import Context, Learner
from study.testing.learner import LearnerContract


class BaselineContract(LearnerContract):
    """Subclass with `name`, of one of ours or of an entry point."""

    def loaded(self) -> Learner:
        return baseline(self.name)

    def context(self, folder: Path) -> Context:
        """A baseline has no sources to learn from."""
        nothing: dict[str, Any] = {"sources": (), "objectives": {}, "labels": {}, "source_factors": {}}
        return replace(super().context(folder), strategy=self.name, **nothing)

    def test_it_takes_no_steps(self, tmp_path: Path) -> None:
        assert self.learned(tmp_path).steps == 0
