"""The speed of a training step on this machine's CPU: measured once, kept in the store, repeated after changes."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from study.core.cost import network_name
from study.core.paths import Paths
from study.core.sections import Training
from study.core.study_file import Study
from study.core.writing import write_whole

MOST_S = 4.0
"""Processor time after which no further network is timed; the rest are estimated from those that were."""


@dataclass(frozen=True)
class StepSpeed:
    """FLOP/s of a training step by `network_name`, with everything else it depends on."""

    processor: str
    threads: int
    torch: str
    crop: tuple[int, int, int]
    flop_per_s: dict[str, float]


def read_step_speed(study: Study) -> StepSpeed | None:
    """The speed measured for the study's present crops and threads, on any machine; None if there is none."""
    try:
        raw = json.loads(Paths(study.store).step_speed.read_text(encoding="utf-8"))
        speed = StepSpeed(**raw | {"crop": tuple(raw["crop"])})
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    as_now = (speed.threads, speed.crop) == (study.compute.threads, crop_of(study))
    return speed if as_now and speed.flop_per_s else None


def measured_step_speed(study: Study, networks: Iterable[Training]) -> StepSpeed:
    """The speed of `networks` on this machine; missing ones are measured now (a few seconds) and kept."""
    from jobs.learning.step_time import training_flop_per_s
    from jobs.steps import limited_threads

    here = StepSpeed(processor(), study.compute.threads, version("torch"), crop_of(study), {})
    kept = read_step_speed(study)
    if kept is not None and (kept.processor, kept.torch) == (here.processor, here.torch):
        here = kept
    lacking = {network_name(each): each for each in networks if network_name(each) not in here.flop_per_s}
    began, flop_per_s = time.process_time(), dict(here.flop_per_s)
    with limited_threads(study.compute.threads):
        for name, settings in lacking.items():
            if not flop_per_s or time.process_time() - began < MOST_S:
                flop_per_s[name] = training_flop_per_s(settings, here.crop)
    here = StepSpeed(**asdict(here) | {"flop_per_s": flop_per_s})
    if lacking:
        text = json.dumps(asdict(here), indent=1)
        write_whole(Paths(study.store).step_speed, text.encode())
    return here


def crop_of(study: Study) -> tuple[int, int, int]:
    return study.corpus.channels, study.crop_frames, study.mel.n_mels


def processor() -> str:
    """The processor's name if the system knows it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
