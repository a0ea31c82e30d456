"""What a plan can and cannot tell: before a GPU is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from design.aliasing import canonical_correlations, correlations, main_effect_columns, prefix_aliasing
from design.balance import level_counts, unbalance
from design.bounds import balance_bound, efficiency_bound, size_bound
from design.candidates import Candidates
from design.contradictions import contradictions
from design.dependence import dependent_terms, derived_factors, impossible_levels
from design.information import CHUNK, model_columns, moments, term_names
from design.optimal import WEIGHTS
from design.phases import SequentialPhase
from design.term_diagnostics import inflation, main_effect_terms, model_terms
from study.core.columns import SOURCE, factor_column, source_column
from study.core.plan import run_columns
from study.core.run import Run
from study.core.study_file import Study

SHOWN_SIZES = (10, 20, 40, 60, 80, 100, 150, 200, 250, 300, 400, 500, 700, 1000, 2000, 5000)


@dataclass(frozen=True)
class PhaseDiagnostics:
    """A sequential phase, by number of its runs done.

    `unbalance` is each factor's at the end, asked for or not. `prefixes` has a row for each number of runs: n_runs,
    unbalance (of the factors asked for, exhausted levels excepted), aliasing (largest absolute correlation) and the
    least that any design of that size, and any with these level counts, can have; d_efficiency and its bound (percent;
    nan and 0 below as many runs as terms). `canonical` has, for the numbers of `SHOWN_SIZES`, the largest canonical
    correlation between two sources, between a source and the strategy, and between any two factors but n_sources.

    `terms` has a row for each main effect under the name that `analyze` has for it (source present less absent, pairs
    of strategies, slopes, levels less the first): its standard error (in residual standard deviations; nan where these
    runs cannot estimate it) and its factor's GVIF^(1 / 2 df). `model_terms` has the terms of formulas that the phase is
    designed for: model, term, whether it is wanted `if_possible`, standard error; and of an interaction, the main
    effect that leaving it out would change most (`mistaken_for`), and by what `share` of it. `variances` is the mean
    relative prediction variance over the candidates, `fractions` its 101 percentiles. `impossible` has levels that no
    candidate has, `dependent`
    what the other terms determine, `derived` what is to be said of n_sources, `contradictions` of balances (None: not
    worked out).
    """

    name: str
    prefixes: pd.DataFrame
    unbalance: dict[str, int]
    canonical: pd.DataFrame
    terms: pd.DataFrame
    model_terms: pd.DataFrame
    variances: float
    fractions: np.ndarray
    impossible: list[str]
    dependent: dict[str, str]
    derived: list[str]
    contradictions: list[str] | None


def shown_sizes(n_runs: int) -> list[int]:
    """The numbers of runs that tables show: round ones, and the last."""
    return [*(size for size in SHOWN_SIZES if size < n_runs), n_runs] if n_runs else []


def diagnose(study: Study, sequential: SequentialPhase, runs: Sequence[Run]) -> PhaseDiagnostics:
    """Diagnostics of a sequential phase's planned runs, one or more, in order."""
    candidates = sequential.candidates
    factors, codes = candidates.factors, candidates.codes_of(runs)
    names = term_names(factors)
    dependent = dependent_terms(moments(candidates), names)
    kept = [number for number, name in enumerate(names) if name not in dependent]
    columns = model_columns(factors, codes)[:, kept]
    balance = sequential.phase.balance
    effects, owners, _ = main_effect_columns(factors, codes)
    n_runs = np.arange(1, len(runs) + 1)
    prefixes = pd.DataFrame(
        {
            "n_runs": n_runs,
            "unbalance": prefix_unbalance(candidates, codes, candidates.positions(balance)),
            "aliasing": prefix_aliasing(effects, owners),
            "aliasing_bound_size": size_bound(effects, owners),
            "aliasing_bound_balance": balance_bound(factors, codes, effects, owners),
            "d_efficiency": 100 * prefix_efficiency(columns),
            "d_efficiency_bound": np.where(n_runs < len(kept), 0.0, 100 * efficiency_bound(candidates, kept)),
        }
    )
    information = columns.T @ columns
    tells_all = np.linalg.matrix_rank(information) == len(kept)
    inverse = np.linalg.inv(information) if tells_all else np.full_like(information, np.nan)
    gvif = inflation(columns, [names[k] for k in kept]) if tells_all else {}
    variances = _prediction_variances(candidates, kept, inverse)
    return PhaseDiagnostics(
        sequential.phase.name,
        prefixes,
        _unbalance_by_factor(candidates, codes),
        pd.DataFrame([_canonical(candidates, codes[:size]) for size in shown_sizes(len(runs))]),
        main_effect_terms(study, runs, dependent, gvif),
        model_terms(sequential, codes),
        float(variances.mean()),
        np.percentile(variances, np.arange(101)),
        impossible_levels(candidates),
        dependent,
        derived_factors(candidates, codes),
        [] if sequential.phase.criterion in WEIGHTS else contradictions(candidates, balance),
    )


def prefix_unbalance(candidates: Candidates, codes: np.ndarray, asked: Sequence[int]) -> np.ndarray:
    """Largest unbalance over the factors asked for, after each run (n_runs,)."""
    n_levels = np.array([len(factor.levels) for factor in candidates.factors])
    steps = np.arange(n_levels.max()) == codes[:, :, None]
    counts = steps.cumsum(axis=0)
    rows = candidates.rows_of(codes)[0]
    among = np.zeros(len(codes), dtype=bool)
    among[np.unique(rows, return_index=True)[1]] = True
    among &= rows >= 0  # neither a repeat nor a run from elsewhere uses up a candidate
    left = level_counts(candidates.codes, n_levels) - (steps & among[:, None, None]).cumsum(axis=0)
    found = unbalance(counts[:, list(asked)], left[:, list(asked)])
    return found.max(axis=1, initial=0)


def _unbalance_by_factor(candidates: Candidates, codes: np.ndarray) -> dict[str, int]:
    """Each factor's unbalance (sources by their names, further factors by theirs); ranges and factors of one level are
    left out."""
    return {
        factor.name.partition(".")[2] or factor.name: int(prefix_unbalance(candidates, codes, (position,))[-1])
        for position, factor in enumerate(candidates.factors)
        if len(factor.levels) > 1 and not factor.is_range
    }


def prefix_efficiency(columns: np.ndarray) -> np.ndarray:
    """det(X'X)^(1/p) / n of each prefix of a model matrix (n_runs, n_terms); nan where it is singular."""
    n_runs, n_terms = columns.shape
    information = (columns[:, :, None] * columns[:, None, :]).cumsum(axis=0)
    values = np.full(n_runs, np.nan)
    sign, log_det = np.linalg.slogdet(information[n_terms - 1 :])
    sizes = np.arange(n_terms, n_runs + 1)
    regular = (sign > 0) & (log_det > n_terms * np.log(1e-9 * sizes))
    values[n_terms - 1 :] = np.where(regular, np.exp(np.where(regular, log_det, 0) / n_terms) / sizes, np.nan)
    return values


def level_table(study: Study, runs: Sequence[Run]) -> pd.DataFrame:
    """How many runs of each phase have each level: factor, level (text), phase, n_runs.

    A level that no run has stands once, under the first phase, with 0.
    """
    phases = list(dict.fromkeys(run.phase for run in runs))
    sizes = {n for phase in study.phases for n in phase.n_sources} | {run.n_sources for run in runs}
    asked = {name for phase in study.phases for name in phase.strategy} | {run.strategy for run in runs}
    strategies = [name for name in study.strategies if name in asked]
    known: dict[str, Sequence[object]] = {"strategy": strategies, "n_sources": sorted(sizes)}
    known |= {source_column(name): (False, True) for name in study.sources}
    known |= {factor_column(name): levels for name, levels in study.further_factors.items()}
    counts = Counter(
        (run.phase, factor, level)
        for run in runs
        for factor, level in {"strategy": run.strategy, "n_sources": run.n_sources, **run_columns(study, run)}.items()
    )
    table = pd.DataFrame(
        [
            {"factor": factor, "level": str(level), "phase": phase, "n_runs": counts[phase, factor, level]}
            for factor, levels in known.items()
            for level in levels
            for phase in phases
        ]
    )
    of_level = table.groupby(["factor", "level"]).n_runs.transform("sum")
    return table[(table.n_runs > 0) | ((of_level == 0) & (table.phase == phases[0]))].reset_index(drop=True)


def aliasing_table(candidates: Candidates, codes: np.ndarray) -> pd.DataFrame:
    """Correlations between the columns of all main effects, n_sources among them (the paper's Fig. 7)."""
    columns, _, names = main_effect_columns(candidates.factors, codes)
    number = np.array(candidates.factors[-1].levels, dtype=float)[codes[:, -1]]
    columns = np.column_stack([columns, number])
    names = [*(name.removeprefix(SOURCE) for name in names), "n_sources"]
    return pd.DataFrame(correlations(len(columns), columns.sum(axis=0), columns.T @ columns), names, names)


def _canonical(candidates: Candidates, codes: np.ndarray) -> dict[str, float]:
    names, matrix = canonical_correlations(candidates.factors, codes)
    np.fill_diagonal(matrix, 0)
    source = np.array([name.startswith(SOURCE) for name in names], dtype=bool)
    strategy = np.array([name == "strategy" for name in names], dtype=bool)
    main = np.array([name != "n_sources" for name in names], dtype=bool)
    return {
        "n_runs": len(codes),
        "source_source": float(matrix[np.ix_(source, source)].max(initial=0.0)),
        "source_strategy": float(matrix[np.ix_(source, strategy)].max(initial=0.0)),
        "any": float(matrix[np.ix_(main, main)].max(initial=0.0)),
    }


def _prediction_variances(candidates: Candidates, terms: Sequence[int], inverse: np.ndarray) -> np.ndarray:
    """x'(X'X)^-1 x of each candidate (n_candidates,)."""
    found = []
    for start in range(0, len(candidates), CHUNK):
        columns = model_columns(candidates.factors, candidates.codes[start : start + CHUNK])[:, list(terms)]
        found.append(np.einsum("ij,ij->i", columns @ inverse, columns))
    return np.concatenate(found)
