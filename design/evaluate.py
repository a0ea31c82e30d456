"""Anyone's table of runs under the same diagnostics: a CSV or Parquet file as another program wrote it.

Each column that varies is a factor, whatever it is called and however its levels are coded: numbers in three levels or
more are a line and a parabola, anything else only has different levels. Columns that number or name the runs are left
out, and so are those that the others determine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from design.aliasing import canonical_correlations, correlations, main_effect_columns
from design.balance import level_counts, unbalance
from design.candidates import Factor, code_type
from design.dependence import dependent_terms
from design.information import contrasts, model_columns, term_names
from study.core.errors import Fault, InputFaults
from study.core.scales import Levels
from study.core.tables import read_parquet

NAMES_OF_RUNS = (
    "",
    "run",
    "run_id",
    "runs",
    "index",
    "position",
    "order",
    "id",
    "block",
    "phase",
    "replicate",
    "cost_gpu_hours",
)
SEPARATORS = (",", ";", "\t")
MOST_LEVELS = 64
"""Text with more different values is taken for names of the runs."""


@dataclass(frozen=True)
class Evaluation:
    """A table of runs judged: `figures` by name, each factor's `unbalance`, `errors` of the main effects (the standard
    error of a level less the first, of a number's line over its range, in residual standard deviations; nan where these
    runs cannot estimate it), `left_out` columns with the reason."""

    name: str
    figures: dict[str, float]
    unbalance: dict[str, int]
    errors: dict[str, float]
    left_out: dict[str, str]


def evaluate(path: Path) -> Evaluation:
    """Judge a table of runs. Raises `InputFaults` for a file that is no table, or in which nothing varies."""
    table = _read(path)
    factors, codes, left_out = _factors(table)
    if not factors:
        raise InputFaults([Fault(str(path), "", None, "no column varies; expected a column for each factor")])
    columns, names = model_columns(factors, codes), term_names(factors)
    dependent = dependent_terms(columns.T @ columns, names)
    kept = [place for place, name in enumerate(names) if name not in dependent]
    left_out |= {name.partition("[")[0]: f"determined by others: {of}" for name, of in dependent.items()}
    effects, owners, _ = main_effect_columns(factors, codes)
    between = np.abs(correlations(len(codes), effects.sum(axis=0), effects.T @ effects))
    canonical = canonical_correlations(factors, codes)[1]
    np.fill_diagonal(canonical, 0)
    information = columns[:, kept].T @ columns[:, kept]
    regular = len(codes) >= len(kept)
    log_det = np.linalg.slogdet(information)[1] if regular else -np.inf
    inverse = np.linalg.inv(information) if regular else np.full_like(information, np.nan)
    variance = np.einsum("ij,jk,ik->i", columns[:, kept], inverse, columns[:, kept])
    n_levels = np.array([len(factor.levels) for factor in factors])
    counts = level_counts(codes, n_levels)
    exists = np.arange(counts.shape[1]) < n_levels[:, None]
    return Evaluation(
        path.name,
        {
            "runs": len(codes),
            "repeated runs": len(codes) - len(np.unique(codes, axis=0)),
            "factors": len(factors),
            "terms of the main effects": len(kept),
            "D-efficiency, %": 100 * float(np.exp(log_det / len(kept)) / len(codes)),
            "largest correlation of two factors": float((between * (owners[:, None] != owners)).max(initial=0.0)),
            "largest canonical correlation": float(canonical.max(initial=0.0)),
            "largest prediction variance at its runs": float(np.max(variance)),
        },
        {factor.name: int(value) for factor, value in zip(factors, unbalance(counts, exists), strict=True)},
        _errors(factors, kept, names, inverse),
        left_out,
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return read_parquet(path)
        header = path.read_text(encoding="utf-8-sig").partition("\n")[0]
        return pd.read_csv(path, sep=max(SEPARATORS, key=header.count), encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pyarrow's and pandas's own errors are ValueErrors
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputFaults([Fault(str(path), "", None, f"cannot be read as a table: {reason}")]) from None


def _factors(table: pd.DataFrame) -> tuple[tuple[Factor, ...], np.ndarray, dict[str, str]]:
    factors: list[Factor] = []
    codes: list[np.ndarray] = []
    left_out: dict[str, str] = {}
    for name, values in table.items():
        text = str(name)
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        if text.lower() in NAMES_OF_RUNS or text.startswith("Unnamed:"):
            left_out[text] = "numbers or names the runs"
        elif values.isna().any():
            left_out[text] = "has empty cells"
        elif values.nunique() < 2:
            left_out[text] = "does not vary"
        elif not is_number and values.nunique() > MOST_LEVELS:
            left_out[text] = "has too many different values for a factor"
        else:
            levels, numbers = np.unique(values.to_numpy() if is_number else values.astype(str), return_inverse=True)
            factors.append(Factor(text, Levels(levels.tolist())))
            codes.append(numbers)
    if not factors:
        return (), np.zeros((len(table), 0)), left_out
    return tuple(factors), np.column_stack(codes).astype(code_type(factors)), left_out


def _errors(
    factors: Sequence[Factor], kept: Sequence[int], names: Sequence[str], inverse: np.ndarray | None
) -> dict[str, float]:
    """Of each factor: its levels less the first, or its line from the least to the largest number."""
    found: dict[str, float] = {}
    place = 1
    for factor in factors:
        table = contrasts(factor)
        mine = list(range(place, place + table.shape[1]))
        place += table.shape[1]
        steps = table[[-1]] - table[[0]] if factor.is_ordered else table[1:] - table[[0]]
        labels = (
            [f"{factor.name} (over its range)"]
            if factor.is_ordered
            else [f"{factor.name}: {level} less {factor.levels[0]}" for level in factor.levels[1:]]
        )
        known = inverse is not None and set(mine) <= set(kept)
        weights = np.zeros((len(steps), len(names)))
        weights[:, mine] = steps
        for label, row in zip(labels, weights[:, list(kept)], strict=True):
            found[label] = float(np.sqrt(row @ inverse @ row)) if known else float("nan")
    return found
