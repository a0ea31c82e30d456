"""Precision as a stopping rule: `--until` of `launch` and of `analyze`.

A sweep looks at its intervals when a quarter of the plan is done, and again after each twentieth of it. Every look is
recorded in looks.jsonl, since the report states how many there were.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from study.core.columns import factor_column
from study.core.errors import Fault, InputFaults, StudyError
from study.core.paths import Paths
from study.core.plan import read_plan
from study.core.progress import Tell
from study.core.run import study_seed_sequence
from study.core.study_file import Study
from study.core.writing import write_whole
from study.workflow.power import plan_rows, runs_in_order

if TYPE_CHECKING:
    from analysis.fitted_model import Model
    from analysis.fitting.mixed_model import MixedFit
    from analysis.planning.precision import Rule
    from analysis.results_table import ResultsTable

FIRST_LOOK = 0.25
LOOKS = 20
"""A look is due after each 1/`LOOKS` of the plan."""


def read_until(study: Study, text: str) -> Rule:
    """The rule on effects of the plan's first model. Raises `InputFaults` for other effects."""
    if study.run is not None:
        expected = "is for studies of sound in this version; --stop-after ends a launch after a time"
        raise InputFaults([Fault("", "--until", text, expected)])
    from analysis.planning.precision import read_rule
    from study.core.coding import first_model

    rows = plan_rows(study, read_plan(Paths(study.store).plan, study))
    for name, levels in study.evaluation_factors.items():
        rows = rows.merge(pd.DataFrame({factor_column(name): levels}), how="cross")
    return read_rule(text, list(first_model(rows, study.score_factors, study.known_strategies).columns))


def enough_when(
    study: Study, rule: Rule, n_planned: int, results: Callable[[], pd.DataFrame], mix_versions: bool, tell: Tell
) -> Callable[[int], bool]:
    """A function of the number of finished runs that says whether the rule is met; it looks only when a look is due.

    `results` reads the study's rows.
    """
    every = max(1, round(n_planned / LOOKS))
    last_look = -every
    often = "after each run" if every == 1 else f"after every {every} runs"
    tell(f"checks whether {rule.text} {often}, from {math.ceil(FIRST_LOOK * n_planned)} of {n_planned} runs on")

    def enough(n_done: int) -> bool:
        nonlocal last_look
        if n_done < FIRST_LOOK * n_planned or n_done - last_look < every:
            return False
        last_look = n_done
        return _look(study, rule, results(), mix_versions, tell)

    return enough


def read_looks(study: Study) -> list[dict[str, Any]]:
    """The looks of all launches: `at, rule, n_runs, reached`; the same rule at the same number of runs counts once."""
    path = Paths(study.store).looks
    if not path.is_file():
        return []
    looks = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return list({(look["rule"], look["n_runs"]): look for look in looks}.values())


def on_precision(study: Study, rule: Rule | None, model: Model, table: ResultsTable) -> list[str]:
    """Sentences on the looks taken and, if there is a rule, on what it would take to meet it."""
    from analysis.planning.precision import margins
    from analysis.planning.precision_findings import on_looks, on_margins

    sentences = list(on_looks(read_looks(study)))
    if rule is None:
        return sentences
    if model.fit is None:
        return [*sentences, f"{rule.text} cannot be judged, since the first model has no fit."]
    margin = margins(rule, model.fit)
    sentences.append(on_margins(rule, margin))
    if table.shares_runs:
        sentences.append("The gain from more runs is not simulated for studies with evaluation factors.")
    elif not (margin["margin"] < margin["limit"]).all():
        sentences.append(_on_what_it_takes(study, rule, model.fit, table, margin))
    return sentences


def _on_what_it_takes(study: Study, rule: Rule, fit: MixedFit, table: ResultsTable, margin: pd.DataFrame) -> str:
    """The runs needed, simulated along the plan and then along its extension to twice the length."""
    import numpy as np

    from analysis.planning.precision import runs_needed, targets_needed
    from analysis.planning.precision_findings import on_what_it_takes

    done, (planned, _, _) = table.runs, runs_in_order(study, [])
    to_come = plan_rows(study, [run for run in planned if run.run_id not in set(done["run_id"])])
    runs = pd.concat([done[to_come.columns], to_come], ignore_index=True) if len(to_come) else done
    rng = np.random.default_rng(study_seed_sequence(study, "runs to come"))
    n_needed = runs_needed(rule, fit, runs, len(done), study.further_factors, rng, study.known_strategies)
    return on_what_it_takes(margin, len(table.targets), len(done), n_needed, len(runs), targets_needed(rule, fit))


def _look(study: Study, rule: Rule, rows: pd.DataFrame, mix_versions: bool, tell: Tell) -> bool:
    from analysis.planning.precision import first_fit, margins
    from analysis.planning.precision_findings import on_margins
    from analysis.results_table import results_table

    try:
        table = results_table(rows, study.primary_metrics, list(study.sources), mix_versions, study.known_strategies)
        margin = margins(rule, first_fit(table, study.score_factors))
    except StudyError as reason:  # too few scores yet
        tell(f"not checked yet: {reason}")
        return False
    n_runs, reached = len(table.runs), bool((margin["margin"] < margin["limit"]).all())
    tell(f"look at {n_runs} runs: {on_margins(rule, margin)}")
    look = {"at": datetime.now(UTC).isoformat(), "rule": rule.text, "n_runs": n_runs, "reached": reached}
    path = Paths(study.store).looks
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_whole(path, f"{before}{json.dumps(look)}\n".encode())
    return reached
