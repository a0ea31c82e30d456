"""Precision as a rule for stopping: `--until` of `launch` and of `analyze`.

A sweep looks at its intervals when a quarter of the plan is done, and again after each twentieth of it; every look is
kept in looks.jsonl, for the report says how many there were.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from study.core.errors import StudyError
from study.core.paths import Paths, write_whole
from study.core.plan import read_plan
from study.core.progress import Tell
from study.core.run import study_seed_sequence
from study.core.study_file import Study
from study.workflow.power import plan_rows, runs_in_order

if TYPE_CHECKING:
    from analysis.fitting.mixed_model import MixedFit
    from analysis.models import Model
    from analysis.planning.precision import Rule
    from analysis.results_table import ResultsTable

FIRST_LOOK = 0.25
LOOKS = 20
"""Looks that a whole plan has room for."""


def read_until(study: Study, text: str) -> Rule:
    """The rule, of the effects that the plan's first model has. Raises `InputFaults` for others."""
    from analysis.planning.precision import read_rule
    from study.core.coding import first_model

    rows = plan_rows(study, read_plan(Paths(study.store).plan, study))
    for name, levels in study.evaluation_factors.items():
        rows = rows.merge(pd.DataFrame({f"factor.{name}": levels}), how="cross")
    return read_rule(text, list(first_model(rows, study.score_factors).columns))


def enough_when(
    study: Study, rule: Rule, n_planned: int, results: Callable[[], pd.DataFrame], mix_versions: bool, tell: Tell
) -> Callable[[int], bool]:
    """Whether the rule is reached, asked with the number of runs that are done; looks only when a look is due.

    `results` reads the study's rows.
    """
    every = max(1, round(n_planned / LOOKS))
    looked_at = -every
    often = "after each run" if every == 1 else f"after every {every} runs"
    tell(f"looks whether {rule.text} {often}, once {math.ceil(FIRST_LOOK * n_planned)} of {n_planned} are done")

    def enough(n_done: int) -> bool:
        nonlocal looked_at
        if n_done < FIRST_LOOK * n_planned or n_done - looked_at < every:
            return False
        looked_at = n_done
        return _look(study, rule, results(), mix_versions, tell)

    return enough


def read_looks(study: Study) -> list[dict[str, Any]]:
    """The looks that sweeps took: `at, rule, n_runs, reached`, the same rule at the same runs counted once."""
    path = Paths(study.store).looks
    if not path.is_file():
        return []
    looks = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list({(look["rule"], look["n_runs"]): look for look in looks}.values())


def on_precision(study: Study, rule: Rule | None, model: Model, table: ResultsTable) -> list[str]:
    """Sentences on the looks of sweeps and, if there is a rule, on what it takes to reach it."""
    from analysis.planning.precision import margins
    from analysis.planning.precision_findings import on_looks, on_margins

    sentences = list(on_looks(read_looks(study)))
    if rule is None:
        return sentences
    if model.fit is None:
        return [*sentences, f"{rule.text} cannot be judged, for the first model has no fit."]
    found = margins(rule, model.fit)
    sentences.append(on_margins(rule, found))
    if table.shares_runs:
        sentences.append("What more runs would buy is not simulated for studies with evaluation factors.")
    elif not (found["margin"] < found["limit"]).all():
        sentences.append(_on_what_it_takes(study, rule, model.fit, table, found))
    return sentences


def _on_what_it_takes(study: Study, rule: Rule, fit: MixedFit, table: ResultsTable, found: pd.DataFrame) -> str:
    """Simulated along the plan, and then the design continued to twice its length."""
    import numpy as np

    from analysis.planning.precision import runs_needed, targets_needed
    from analysis.planning.precision_findings import on_what_it_takes

    done, (planned, _, _) = table.runs, runs_in_order(study, [])
    to_come = plan_rows(study, [run for run in planned if run.run_id not in set(done["run_id"])])
    runs = pd.concat([done[to_come.columns], to_come], ignore_index=True) if len(to_come) else done
    rng = np.random.default_rng(study_seed_sequence(study, "runs to come"))
    n_needed = runs_needed(rule, fit, runs, len(done), study.further_factors, rng)
    return on_what_it_takes(found, len(table.targets), len(done), n_needed, len(runs), targets_needed(rule, fit))


def _look(study: Study, rule: Rule, rows: pd.DataFrame, mix_versions: bool, tell: Tell) -> bool:
    from analysis.planning.precision import first_fit, margins
    from analysis.planning.precision_findings import on_margins
    from analysis.results_table import results_table

    try:
        table = results_table(rows, study.primary_metrics, list(study.sources), mix_versions)
        found = margins(rule, first_fit(table, study.score_factors))
    except StudyError as reason:  # too few scores yet
        tell(f"no look: {reason}")
        return False
    n_runs, reached = len(table.runs), bool((found["margin"] < found["limit"]).all())
    tell(f"look at {n_runs} runs: {on_margins(rule, found)}")
    look = {"at": datetime.now(UTC).isoformat(), "rule": rule.text, "n_runs": n_runs, "reached": reached}
    path = Paths(study.store).looks
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_whole(path, lambda temporary: temporary.write_text(f"{before}{json.dumps(look)}\n", encoding="utf-8"))
    return reached
