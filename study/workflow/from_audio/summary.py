"""Lines for the terminal about a folder of sound and the study made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from study.core.errors import Fault
from study.core.paths import FILE_NAME
from study.workflow.from_audio.write import TABLES, Proposal

if TYPE_CHECKING:
    from jobs.sound.survey import Clip

SHOWN = 5


def clips_summary(clips: Sequence[Clip]) -> str:
    """Formats, rates, channels and lengths, in one line."""
    seconds = np.array([clip.seconds for clip in clips])
    low, median, high = (
        f"{value:.2f}" if value < 10 else f"{value:.0f}" for value in np.quantile(seconds, (0, 0.5, 1))
    )
    lengths = f"{low} s" if low == high else f"{low} to {high} s (median {median} s)"
    minutes = max(1, round(seconds.sum() / 60))
    return "; ".join(
        (
            _counted(Counter(clip.format for clip in clips)),
            _counted(Counter(f"{clip.sample_rate_hz} Hz" for clip in clips)),
            _counted(Counter("stereo" if clip.stereo else "mono" for clip in clips)),
            f"{lengths} long, {minutes} minute{'s' * (minutes > 1)} in all",
        )
    )


def broken_lines(broken: Sequence[Fault]) -> Iterator[str]:
    """The first broken files, then their total number."""
    for fault in broken[:SHOWN]:
        yield f"broken, left out: {fault.file}: {fault.value}"
    if len(broken) > SHOWN:
        yield f"broken, left out: {len(broken)} files in all; {TABLES}/broken.csv lists them"


def proposal_lines(folder: Path, proposal: Proposal) -> Iterator[str]:
    """The tracks, the sources and targets, and what is left out."""
    n_kept = int(proposal.kept.sum())
    yield f"{len(proposal.kept) - n_kept} tracks to learn from, {n_kept} for targets: {proposal.division}"
    yield "source self: whether two crops are from the same track"
    for source in proposal.sources:
        yield f"source {source.name} ({source.keys['labels']}): {source.why}"
    for target in proposal.targets:
        yield f"target {target.name} ({target.keys['task']}): {'; '.join((target.why, *target.notes))}"
    for name, why in proposal.left_out:
        yield f"left out: {name}: {why}"
    yield f"wrote {folder / FILE_NAME}, with a reason for each line, and its tables in {folder / TABLES}"


def _counted(counts: Counter[str]) -> str:
    """ "300 WAV, 2 MP3"; a single kind without its count."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {kind}" for kind, count in counts.most_common(SHOWN))
