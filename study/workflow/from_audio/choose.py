"""From the tracks' labels to a study: its two parts, its sources and targets, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from study.workflow.from_audio.columns import Column
from study.workflow.from_audio.first_plan import first_plan
from study.workflow.from_audio.halves import group_of, kept_for_targets
from study.workflow.from_audio.proposals import (
    MOST_PROPOSED,
    SourceProposal,
    TargetProposal,
    propose_source,
    propose_target,
)
from study.workflow.from_audio.sound_settings import sound_settings
from study.workflow.from_audio.write import Proposal

if TYPE_CHECKING:
    from jobs.sound.survey import Clip


def propose(
    name: str,
    sound_folder: Path,
    clips: Sequence[Clip],
    ids: Sequence[str],
    columns: Sequence[Column],
    seed: int,
    n_broken: int,
) -> Proposal:
    """Sources and targets from `columns`, the two parts of the tracks `ids`, and settings for their sound."""
    group = group_of(columns)
    kept = kept_for_targets(ids, columns, group, np.random.default_rng(np.random.SeedSequence(seed)))
    corpus, for_targets = kept.index[~kept], kept.index[kept]
    sources: list[SourceProposal] = []
    targets: list[TargetProposal] = []
    left_out: list[tuple[str, str]] = []
    for column in columns:
        source, target = propose_source(column, corpus), propose_target(column, group, for_targets, seed)
        for role, proposed in (("source", source), ("target", target)):
            if isinstance(proposed, SourceProposal) and len(sources) < MOST_PROPOSED:
                sources.append(proposed)
            elif isinstance(proposed, TargetProposal) and len(targets) < MOST_PROPOSED:
                targets.append(proposed)
            else:
                enough = f"{MOST_PROPOSED} are enough to start with ({column.why})"
                left_out.append((f"{column.name} as a {role}", proposed if isinstance(proposed, str) else enough))
    classes = any(column.kind in ("classes", "ordinal") for column in columns)
    at_random = "drawn at random, stratified by class" if classes else "drawn at random"
    division = f"no {group.name} is in both parts" if group else at_random
    labelled = [set(source.table["track_id"]) for source in sources]
    common = len(set.intersection(*labelled)) if labelled else len(corpus)
    return Proposal(
        name,
        seed,
        sound_folder,
        kept,
        division,
        sound_settings(clips),
        sources,
        targets,
        _without_repetitions(left_out),
        common < 0.8 * len(corpus),
        n_broken,
        first_plan(1 + len(sources)),
    )


def _without_repetitions(left_out: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A column left out for the same reason in both roles is listed once."""
    listed: dict[tuple[str, str], str] = {}
    for role, why in left_out:
        name = role.split(" as a ")[0]
        listed[name, why] = name if (name, why) in listed else role
    return [(role, why) for (_, why), role in listed.items()]
