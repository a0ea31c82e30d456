"""The layout of a study's store: where each of its files is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from study.core.evaluation_factors import REPRESENTATION

FILE_NAME = "study.toml"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Paths:
    """The files of a study under its store."""

    store: Path

    @property
    def plan(self) -> Path:
        return self.store / "plan.parquet"

    @property
    def design(self) -> Path:
        return self.store / "design"

    @property
    def power(self) -> Path:
        return self.store / "power"

    @property
    def looks(self) -> Path:
        return self.store / "looks.jsonl"

    @property
    def faults(self) -> Path:
        """All faults of the input, if a command printed only some of them."""
        return self.store / "faults.csv"

    @property
    def step_speed(self) -> Path:
        return self.store / "step_speed.json"

    @property
    def prepared(self) -> Path:
        return self.store / "prepared"

    @property
    def runs(self) -> Path:
        return self.store / "runs"

    @property
    def results(self) -> Path:
        return self.store / "results"

    @property
    def results_index(self) -> Path:
        return self.results / "index"

    @property
    def report(self) -> Path:
        return self.store / "report"

    @property
    def few_tracks(self) -> Path:
        """Tables of a few tracks, if this is the store of a trial (`launch --quick`)."""
        return self.store / "tables"

    def run(self, run_id: str) -> Path:
        return self.runs / run_id

    def weights(self, run_id: str) -> Path:
        return self.run(run_id) / WEIGHTS

    def log(self, run_id: str) -> Path:
        return self.run(run_id) / "log.jsonl"

    def checkpoints(self, run_id: str) -> Path:
        return self.run(run_id) / "checkpoints"

    def trained(self, run_id: str) -> Path:
        return self.run(run_id) / "trained.json"

    def representations(self, run_id: str) -> Path:
        return self.run(run_id) / "representations"

    def fine_tuned(self, run_id: str, target: str, fingerprint: str, transfer: str = "fine-tune") -> Path:
        """Predictions of a network trained on a target until they are scored; deleted with the representations."""
        of = "" if transfer == "fine-tune" else f"-{transfer}"
        return self.representations(run_id) / f"{target}-{fingerprint}{of}.parquet"

    def representation(self, run_id: str, sound: str, readout: str = REPRESENTATION) -> Path:
        """The vectors of a set of sounds, read out in one way, until targets are scored with them."""
        of = "" if readout == REPRESENTATION else f"-{readout.replace(':', '_')}"
        return self.representations(run_id) / f"{sound}{of}.npy"

    def attempts(self, run_id: str) -> Path:
        return self.run(run_id) / "attempts"

    def target(self, run_id: str, target: str) -> Path:
        return self.run(run_id) / "targets" / target

    def result(self, run_id: str, target: str, fingerprint: str) -> Path:
        return self.results / run_id / f"{target}-{fingerprint}.parquet"
