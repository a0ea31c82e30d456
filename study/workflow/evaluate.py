"""Evaluate: tables of runs from anywhere under the design's diagnostics, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any


def evaluate_tables(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Each table's name, figures, unbalance and standard errors by factor, and columns left out; plain data, no NaN."""
    from design.evaluate import evaluate

    found = [asdict(evaluate(path)) for path in paths]
    for table in found:
        for part in ("figures", "errors"):
            table[part] = {name: None if math.isnan(value) else value for name, value in table[part].items()}
    return found
