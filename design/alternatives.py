"""What other choices of `model` and `criterion` would cost and buy: as many runs, planned otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from design.diagnostics import prefix_efficiency, prefix_unbalance
from design.expected_errors import main_effects, named_effects, run_rows, unit_errors
from design.information import model_columns
from design.phases import SequentialPhase
from study.core.coding import first_model
from study.core.effects import effects_of, weights_of
from study.core.run import Run
from study.core.study_file import Study

CHOICES: dict[str, Mapping[str, Any]] = {
    'model = "main"': {"model": "main"},
    'model = "first"': {"model": "first"},
    'model = "first", n_sources not balanced': {"model": "first", "balance": None},
    'criterion = "D" (nothing balanced)': {"criterion": "D", "model": None, "want_if_possible": ()},
}
"""What else a phase could ask for, by the words of the study file; a `balance` of None is the phase's own without
n_sources."""
MOST_CANDIDATES = 2**14
"""With more, a page would take longer than its plan."""


def alternatives(study: Study, sequential: SequentialPhase, runs: Sequence[Run]) -> pd.DataFrame:
    """The plan of a phase (`runs`) and as many runs by other choices, a row each: `choice`, the mean expected standard
    error of the slopes on n_sources and of the main effects (in residual standard deviations; nan where these runs
    cannot estimate some), `d_efficiency` of the main effects in percent, `unbalance` of the factors that the phase
    balances, and `rarest`, the runs that the least used number of sources has. Empty with too many candidates."""
    if len(sequential.candidates) > MOST_CANDIDATES:
        return pd.DataFrame()
    rows = [{"choice": "this plan"} | _figures(study, sequential, runs)]
    for name, asked in CHOICES.items():
        phase = sequential.phase.model_copy(update=_completed(asked, sequential.phase.balance))
        other = replace(sequential, phase=phase)
        order = other.order(study, sequential.open.copy())
        planned = [other.candidates.run(study, phase.name, row) for row in islice(order, len(runs))]
        rows.append({"choice": name} | _figures(study, sequential, planned))
    return pd.DataFrame(rows)


def _completed(asked: Mapping[str, Any], balance: Sequence[str]) -> dict[str, Any]:
    found = {"criterion": "anytime", **asked}
    if "balance" in found:
        found["balance"] = tuple(name for name in balance if name != "n_sources")
    return found


def _figures(study: Study, sequential: SequentialPhase, runs: Sequence[Run]) -> dict[str, float]:
    candidates = sequential.candidates
    codes, table = candidates.codes_of(runs), run_rows(study, runs)
    columns = model_columns(candidates.factors, codes)
    columns = columns[:, [k == 0 or np.ptp(column) > 0 for k, column in enumerate(columns.T)]]
    first, main = (
        first_model(table, study.further_factors, study.known_strategies).columns,
        main_effects(table, study).columns,
    )
    slopes = [effect for effect in effects_of(list(first)) if effect.name.endswith(":n_star")]
    effects = [effect for effect in named_effects(main) if not effect.name.startswith("strategy[")]
    sizes = np.bincount(codes[:, -1], minlength=len(candidates.factors[-1].levels))
    return {
        "slopes": _mean(unit_errors(first.to_numpy(), weights_of(slopes, list(first)))),
        "main_effects": _mean(unit_errors(main.to_numpy(), weights_of(effects, list(main)))),
        "d_efficiency": 100 * float(prefix_efficiency(columns)[-1]) if len(runs) >= columns.shape[1] else np.nan,
        "unbalance": int(prefix_unbalance(candidates, codes, candidates.positions(sequential.phase.balance))[-1]),
        "rarest": int(sizes.min()),
    }


def _mean(errors: np.ndarray) -> float:
    return float(errors.mean()) if errors.size else np.nan
