"""A run: one representation to be learned, and its id.

A run's id is a hash of its settings. It is therefore known before there is data, and results of a changed study file
never mix with earlier ones.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from study.core.errors import Fault, InputFaults, nearest
from study.core.factors import BASELINE_PHASE, NETWORK_FACTORS, RANDOM, Level
from study.core.study_file import Study

RUN_ID_LENGTH = 16
"""Hexadecimal digits: 64 bits, so that the probability of a collision among a million runs is 3e-8."""


@dataclass(frozen=True)
class Run:
    """One training (or baseline): its levels, its place in the design, and its id."""

    run_id: str
    phase: str
    replicate: int
    strategy: str
    sources: tuple[str, ...]
    factors: Mapping[str, Level] = field(default_factory=dict, hash=False)  # not hashable; run_id covers it

    @property
    def n_sources(self) -> int:
        return len(self.sources)

    @property
    def is_baseline(self) -> bool:
        return self.phase == BASELINE_PHASE

    @property
    def is_without_network(self) -> bool:
        """Whether it is a baseline without a network of this program."""
        return self.is_baseline and self.strategy != RANDOM


def make_run(
    study: Study,
    phase: str,
    replicate: int,
    strategy: str,
    sources: tuple[str, ...],
    factors: Mapping[str, Level] | None = None,
) -> Run:
    """The run with these levels; its sources follow the order of the study file.

    The phase is not part of a run's identity: the same levels and replicate in two phases are the same training.
    """
    ordered = tuple(name for name in study.sources if name in sources)
    levels = dict(factors or {})
    if study.run is not None:
        of_function = {
            "function": study.run.function,
            "version": study.run.version,
            "sources": ordered,
            "factors": levels,
            "replicate": replicate,
            "seed": study.seed,
        }
        return Run(_hash(of_function), phase, replicate, strategy, ordered, levels)
    uses: dict[str, Any] = {
        "strategy": strategy,
        "sources": {name: study.sources[name].identity() for name in ordered},
        "factors": levels,
        "mel": study.mel.model_dump(mode="json"),
        "training": study.training_of(levels).identity(ordered),
        "replicate": replicate,
        "seed": study.seed,
    }
    if strategy in study.own_strategies:
        uses["sharing"] = study.known_strategies[strategy].definition
    if study.training_of(levels).learner in study.learners:
        uses["learner"] = {"function": study.learner_function(levels), "settings": study.learner_settings(levels)}
    return Run(_hash(uses), phase, replicate, strategy, ordered, levels)


def baseline_runs(study: Study) -> list[Run]:
    """The baselines as runs of their own (paper 4.2): MFCC, and a Random for each network that the study trains.

    A study whose runs are a function has none.
    """
    if study.run is not None:
        return []
    mfcc = [make_run(study, BASELINE_PHASE, replicate, "MFCC", ()) for replicate in range(study.baselines.mfcc)]
    own = [make_run(study, BASELINE_PHASE, 0, name, ()) for name in study.baselines.own]
    untrained = [
        _random(study, levels, replicate)
        for levels in _network_levels(study)
        for replicate in range(study.baselines.random)
    ]
    return mfcc + own + untrained


def _network_levels(study: Study) -> list[dict[str, Level]]:
    """All combinations of the levels that change an untrained network; a single empty one if there are none."""
    names = [name for name in NETWORK_FACTORS if name in study.factors]
    return [dict(zip(names, levels, strict=True)) for levels in product(*(study.factors[name] for name in names))]


def _random(study: Study, levels: Mapping[str, Level], replicate: int) -> Run:
    """An untrained network. The one of `[training]` has the same id whether its settings are factors or not."""
    is_default = all(level == getattr(study.training, name) for name, level in levels.items())
    run = make_run(study, BASELINE_PHASE, replicate, RANDOM, (), {} if is_default else levels)
    return replace(run, factors=levels)


def counted(n_runs: int, n_baselines: int) -> str:
    """ "40 runs (34 + 6 baselines)": how runs are counted when baselines are among them."""
    parts = f" ({n_runs - n_baselines} + {n_baselines} baselines)" if 0 < n_baselines < n_runs else ""
    return f"{n_runs} runs{parts}"


def seed_sequence(run_id: str, purpose: str) -> np.random.SeedSequence:
    """The randomness of one purpose of one run: independent of every other purpose and run, and of their order."""
    return np.random.SeedSequence(int(run_id, 16), spawn_key=(zlib.crc32(purpose.encode()),))


def study_seed_sequence(study: Study, purpose: str) -> np.random.SeedSequence:
    """The randomness that all runs of a study share: the corpus's split, the label models, the targets' splits."""
    return np.random.SeedSequence(study.seed, spawn_key=(zlib.crc32(purpose.encode()),))


def named_run(named: str, run_ids: Iterable[str], option: str) -> str:
    """The id in `run_ids` that equals `named` or begins with it.

    Raises `InputFaults` naming the option if there is none, or more than one.
    """
    known = list(run_ids)
    meant = [run_id for run_id in known if run_id.startswith(named)] if named else []
    if len(meant) == 1:
        return meant[0]
    several = f"matches {len(meant)} runs: {', '.join(meant[:5])}"
    expected = several if meant else "no such run; `study runs` lists them"
    raise InputFaults([Fault("", option, named, expected, None if meant else nearest(named, known))])


def _hash(uses: Mapping[str, Any]) -> str:
    canonical = json.dumps(uses, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:RUN_ID_LENGTH]
