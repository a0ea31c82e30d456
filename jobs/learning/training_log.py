"""The run's log: JSON lines, one per epoch with each source's losses, and other events of the training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from study.core.writing import append_line, write_whole


def write_line(log_path: Path, event: str, **entry: Any) -> None:
    append_line(log_path, json.dumps({"event": event} | entry, allow_nan=False))


def cut_log(log_path: Path, epoch: int) -> None:
    """Keep what was logged up to `epoch`: a training that resumes from a checkpoint logs the rest again.

    Without epochs the log starts empty. A broken last line, left by a kill, is removed too.
    """
    complete = _complete_lines(log_path) if epoch else []
    kept = [json.dumps(line) + "\n" for line in complete if line.get("epoch", 0) <= epoch]
    write_whole(log_path, "".join(kept).encode())


def read_epochs(log_path: Path) -> list[dict[str, Any]]:
    """The epochs in order: `epoch, step, seconds`, and `loss` and `validation_loss` by source (None: it has none).

    Empty without a log. Two launches may have trained the run at once; of an epoch logged twice, the last line counts.
    """
    epochs = {line["epoch"]: line for line in _complete_lines(log_path) if line["event"] == "epoch"}
    return [epochs[epoch] for epoch in sorted(epochs)]


def _complete_lines(log_path: Path) -> list[dict[str, Any]]:
    """The lines that are whole; what a kill or a damaged disk has made of others says nothing of a training."""
    lines = log_path.read_bytes().splitlines() if log_path.is_file() else []
    parsed = map(_parsed, lines)
    return [line for line in parsed if line is not None]


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or "event" not in found or not isinstance(found.get("epoch", 0), int):
        return None
    is_epoch = "epoch" in found and all(
        isinstance(found.get(name), dict) and all(isinstance(loss, float | int | None) for loss in found[name].values())
        for name in ("loss", "validation_loss")
    )
    return found if is_epoch or found["event"] != "epoch" else None
