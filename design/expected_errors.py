"""Standard errors to be expected of what `analyze` prints, under the names that it prints.

A plan's runs are all scored on all targets. The terms that vary by target are terms of the fixed part, so that an
estimate is the mean over T targets of what each target's runs say by themselves, and its variance for weights c is

    sigma^2 c'(X'X)^-1 c (share + (1 - share) / T) + sum c_k^2 tau_k^2 / T

with sigma^2 the residual variance within a target, `share` the part of it that a run has on all targets alike, and
tau_k the deviation of term k between targets. Satterthwaite's degrees of freedom follow from how well each part is
known: tau_k^2 and what is estimated with it from T targets, run and residual variances from runs and scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from study.core.coding import Coding, factor_columns, first_model, source_columns, strategy_columns
from study.core.effects import Effect, effects_of, weights_of
from study.core.plan import run_columns
from study.core.run import Run
from study.core.study_file import Study
from study.core.variances import ALPHA, Variances

KNOWN = 1e-9
"""Of the information's largest eigenvalue: directions with less are not estimable."""


def run_rows(study: Study, runs: Sequence[Run]) -> pd.DataFrame:
    """Runs as rows of the plan, with what models are made of."""
    return pd.DataFrame(
        [{"strategy": run.strategy, "n_sources": run.n_sources, **run_columns(study, run)} for run in runs]
    )


def main_effects(rows: pd.DataFrame, study: Study) -> Coding:
    """A mean for each strategy, each source present against absent, further factors: the main effects of a plan."""
    further = factor_columns(rows, study.further_factors)
    others = pd.concat([source_columns(rows, list(study.sources)), further.columns], axis=1)
    columns = pd.concat([strategy_columns(rows, study.known_strategies), others.loc[:, others.nunique() > 1]], axis=1)
    return Coding(columns, (), further.left_out, further.units)


def unit_errors(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """sqrt(c'(X'X)^-1 c) of each of the weights (m, p) for a model matrix X (n_runs, p); nan where not estimable."""
    return _unit_errors(columns.T @ columns, weights)


def expected_errors(study: Study, fixed: Sequence[Run], sequential: Sequence[Run]) -> pd.DataFrame:
    """Expected standard error of each effect of the first model, after each number of sequential runs.

    Columns: n_runs (sequential ones; the fixed phases' are all done), then every fixed term, then every pair of
    strategies, in residual standard deviations of one target's scores. nan where the runs so far cannot tell.
    """
    rows_of_plan = run_rows(study, [*fixed, *sequential])
    coded = first_model(rows_of_plan, study.further_factors, study.known_strategies).columns
    effects = named_effects(coded)
    weights = weights_of(effects, list(coded))
    columns = coded.to_numpy()
    information = np.einsum("ij,ik->jk", columns[: len(fixed)], columns[: len(fixed)])
    rows = []
    for size in range(1 if not fixed else 0, len(sequential) + 1):
        if size:
            x = columns[len(fixed) + size - 1]
            information = information + np.outer(x, x)
        errors = _unit_errors(information, weights)
        rows.append({"n_runs": size} | {effect.name: error for effect, error in zip(effects, errors, strict=True)})
    return pd.DataFrame(rows)


def named_effects(columns: pd.DataFrame) -> list[Effect]:
    """Every fixed term by itself, then every pair of strategies."""
    pairs = [effect for effect in effects_of(list(columns)) if effect.is_comparison]
    return [*(Effect(term, {term: 1.0}) for term in columns), *pairs]


@dataclass(frozen=True)
class Expected:
    """Of each effect (m,): the standard error over T targets, Satterthwaite's degrees of freedom, and the margin of a
    95 % interval."""

    se: np.ndarray
    df: np.ndarray
    margin: np.ndarray


def over_targets(coding: Coding, effects: Sequence[Effect], variances: Variances, n_targets: int) -> Expected:
    """What is to be expected of effects over `n_targets` (2 or more) from the runs of a coding."""
    columns, weights = coding.columns.to_numpy(), weights_of(effects, list(coding.columns))
    random = np.array([term in variances.between for term in coding.columns])
    tau = np.array([variances.between.get(term, 0.0) for term in coding.columns])
    left = max(columns.shape[0] - columns.shape[1], 1)
    run = variances.residual * variances.run_share
    rest = variances.residual - run
    information, scale = _scaled(columns.T @ columns)
    noise = np.diag(np.linalg.pinv(information, rcond=KNOWN, hermitian=True)) / scale**2 * random
    unit, squares = unit_errors(columns, weights) ** 2, weights**2
    total = unit * (run + rest / n_targets) + squares @ tau / n_targets
    # by target each random term's estimates spread by tau_k^2 and by what the residual adds
    spread = squares**2 @ (tau + rest * noise * random) ** 2 / ((n_targets - 1) * n_targets**2)
    spread += ((unit - squares @ noise) * rest / n_targets) ** 2 / max((n_targets - 1) * left, 1)
    spread += (unit * run) ** 2 / left
    df = total**2 / spread
    return Expected(np.sqrt(total), df, stats.t.isf(ALPHA / 2, df) * np.sqrt(total))


def _scaled(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The information (p, p) on columns of length 1, and the lengths (p,): which directions are known must not depend
    on the unit of a number."""
    length = np.sqrt(np.diag(information))
    length = np.where(length > 0, length, 1.0)
    return information / np.outer(length, length), length


def _unit_errors(information: np.ndarray, weights: np.ndarray) -> np.ndarray:
    information, length = _scaled(information)
    values, vectors = np.linalg.eigh(information)
    known = values > KNOWN * values.max(initial=1.0)
    along = weights / length @ vectors
    unknown = (along[:, ~known] ** 2).sum(axis=1) > KNOWN * (along**2).sum(axis=1)
    return np.where(unknown, np.nan, np.sqrt((along[:, known] ** 2 / values[known]).sum(axis=1)))
