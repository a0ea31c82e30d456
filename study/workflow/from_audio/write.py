"""The study's tables and its commented study file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2
import pandas as pd

from study.core.errors import Fault
from study.core.writing import write_whole
from study.workflow.from_audio.first_plan import FirstPlan
from study.workflow.from_audio.proposals import SourceProposal, TargetProposal
from study.workflow.from_audio.sound_settings import SoundSettings

TABLES = "tables"
COMMENT_COLUMN = 33


@dataclass(frozen=True)
class Proposal:
    """The content of the study file. `kept`: for each track (index), whether it is for targets."""

    name: str
    seed: int
    sound_folder: Path
    kept: pd.Series
    division: str
    sound: SoundSettings
    sources: Sequence[SourceProposal]
    targets: Sequence[TargetProposal]
    left_out: Sequence[tuple[str, str]]
    some_lack_labels: bool
    n_broken: int
    plan: FirstPlan


def study_text(proposal: Proposal, epochs: int, why_epochs: str) -> str:
    """The study file."""
    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["toml"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.from_string((files("study") / "templates" / "from-audio.toml.j2").read_text("utf-8"))

    def fill(text: str) -> str:
        return " " * max(1, COMMENT_COLUMN - len(text))

    def pad(key: str, sound: SoundSettings) -> str:
        return f"{fill(f'{key} = {sound.keys[key]}')}# {sound.why[key]}"

    n_kept = int(proposal.kept.sum())
    counts = {"n_tracks": len(proposal.kept), "n_kept": n_kept, "n_corpus": len(proposal.kept) - n_kept}
    return template.render(vars(proposal), **counts, epochs=epochs, why_epochs=why_epochs, fill=fill, pad=pad)


def write_tables(folder: Path, proposal: Proposal, path_of: Mapping[str, Path], broken: Sequence[Fault]) -> list[Path]:
    """Write the tables that the study file names; return their paths. `path_of` has each track's absolute path."""
    tables = folder / TABLES
    within = folder.resolve() in proposal.sound_folder.parents  # then the study can be moved with its sound

    def with_paths(table: pd.DataFrame) -> pd.DataFrame:
        sounds = [path_of[track_id] for track_id in table["track_id"]]
        paths = [Path(os.path.relpath(sound, tables.resolve())) for sound in sounds] if within else sounds
        table = table.copy()
        table.insert(1, "path", [path.as_posix() for path in paths])
        return table

    tracks = pd.DataFrame({"track_id": proposal.kept.index})
    written = {"tracks": with_paths(tracks[~proposal.kept.to_numpy()])}
    written |= {f"source-{source.name}": source.table for source in proposal.sources}
    written |= {f"target-{target.name}": with_paths(target.table) for target in proposal.targets}
    if not proposal.targets:
        written["target"] = with_paths(tracks[proposal.kept.to_numpy()]).assign(label="")
    if broken:
        written["broken"] = pd.DataFrame(
            {"path": [fault.file for fault in broken], "reason": [str(fault.value) for fault in broken]}
        )
    for name, table in written.items():
        write_whole(tables / f"{name}.csv", table.to_csv(index=False).encode())
    return [tables / f"{name}.csv" for name in written]
