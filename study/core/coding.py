"""The columns of the models' terms, shared by design and analysis: what one promises, the other estimates.

Kim et al. 2019, Eq. 10-16. A row is a run, or a run on a target. Frames need `strategy` and, for terms that depend on
the number of sources, `n_sources`; `source.<name>` and `factor.<name>` are as in plan.parquet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from study.core.columns import FACTOR, SOURCE, factor_column, source_column
from study.core.errors import Fault, nearest, raise_all
from study.core.evaluation_factors import EVALUATION_FACTORS
from study.core.factors import Level
from study.core.scales import Levels, are_numbers, curvature, has_curvature, scale_of, scaled, unit
from study.core.strategies import ALONE, BUILT_IN, OF_FUNCTIONS, Strategies

INTERCEPT = "intercept"
N_UNKNOWN = "the number of sources is not known"
DETERMINED = "the terms before it already determine it in these rows"


@dataclass(frozen=True)
class Coding:
    """A model's terms over some rows.

    `columns` (n_rows, n_terms) are the fixed terms, `random` those among them that also vary by target (independently),
    `left_out` the terms that are not estimable from these rows, each with the reason, `units` the unit of a slope
    where it is not that of the number. `strategies` are those known to the study.
    """

    columns: pd.DataFrame
    random: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    strategies: Strategies = field(default_factory=lambda: BUILT_IN)


def n_star(strategy: Iterable[str], n_sources: Iterable[float], strategies: Strategies = BUILT_IN) -> np.ndarray:
    """n* (n_rows,): n - 2 for strategies of several sources, so that intercepts are each strategy in its simplest case.

    0 for those of one source, and where there are no strategies.
    """
    several = {name for name, one in strategies.items() if one.sources == "many"}
    names = _known(strategy, strategies)
    return np.where(np.isin(names, list(several)), np.asarray(list(n_sources), dtype=float) - 2.0, 0.0)


def is_single(rows: pd.DataFrame, strategies: Strategies = BUILT_IN) -> pd.Series:
    """Which rows are of a strategy of one source (n_rows,)."""
    return rows["strategy"].isin([name for name, one in strategies.items() if one.is_single])


def r_star(strategy: Iterable[str], strategies: Strategies = BUILT_IN) -> np.ndarray:
    """r* (n_rows,): the size of the network; of the six from 0 for SS-R to 1 for MSS-CR in steps of 0.2 (paper 5.2)."""
    of = {**strategies, **OF_FUNCTIONS}
    return np.array([of[name].size for name in _known(strategy, strategies)], dtype=float)


def combination(rows: pd.DataFrame) -> np.ndarray:
    """A run's levels as text (n_rows,): strategy, sources and further factors, without a study's evaluation factors."""
    sources = [str(name) for name in rows if str(name).startswith(SOURCE)]
    short = np.array([name.removeprefix(SOURCE) for name in sources], dtype=object)
    present = rows[sources].to_numpy(dtype=bool)
    parts = [rows["strategy"].astype(str)] if "strategy" in rows else []
    parts += [pd.Series(["+".join(short[row]) for row in present], index=rows.index)]
    of_evaluation = EVALUATION_FACTORS if "strategy" in rows else ()
    factors = [name for name in map(str, rows) if name.startswith(FACTOR)]
    parts += [rows[name].astype(str) for name in factors if name.removeprefix(FACTOR) not in of_evaluation]
    return np.asarray(parts[0].str.cat(parts[1:], sep=" | "), dtype=object)


def strategy_columns(rows: pd.DataFrame, strategies: Strategies = BUILT_IN) -> pd.DataFrame:
    """Indicator columns `strategy[...]` (n_rows, n_strategies) of the strategies that occur, smallest network first; an
    intercept where there are none."""
    strategy = _known(rows["strategy"], strategies)
    if (strategy == ALONE).all():
        return pd.DataFrame({INTERCEPT: 1.0}, index=rows.index)
    present = [name for name in strategies if (strategy == name).any()]
    return pd.DataFrame({f"strategy[{name}]": (strategy == name).astype(float) for name in present}, index=rows.index)


def is_intercept(term: str) -> bool:
    """Whether the term is a strategy's own mean, `strategy[S]`."""
    return term.startswith("strategy[") and term.endswith("]")


def strategy_of(term: str) -> str:
    """The strategy of `strategy[S]` or `strategy[S]:n_star`."""
    return term[len("strategy[") : term.index("]")]


def source_columns(rows: pd.DataFrame, sources: Sequence[str]) -> pd.DataFrame:
    """Indicator columns `source.<name>` (n_rows, n_sources): 1 where the run learns from the source."""
    names = [source_column(name) for name in sources]
    raise_all(
        Fault("", name, None, "no such column among the rows", nearest(name, map(str, rows.columns)))
        for name in names
        if name not in rows
    )
    return rows[names].astype(float)


def factor_columns(rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]]) -> Coding:
    """Further factors as fixed terms: numbers linear from their first level, others treatment-coded against it.

    `factors` holds the levels of each in the study's order. Numbers are on their scale, and where a study has three or
    more of them `factor.<name>^2` is their curvature. A factor with one level in these rows is left out. Raises
    `InputFaults` for a column that is missing, or holds what is not a level.
    """
    raise_all(_faults_of_factors(rows, factors))
    columns: dict[str, np.ndarray] = {}
    left_out: dict[str, str] = {}
    units: dict[str, str] = {}
    for name, levels in factors.items():
        values = rows[factor_column(name)]
        if values.nunique() < 2:
            left_out[factor_column(name)] = "only one of its levels occurs"
        elif are_numbers(levels):
            columns[factor_column(name)] = scaled(values, levels) - scaled(levels[:1], levels)
            if has_curvature(levels):
                columns[f"{factor_column(name)}^2"] = curvature(values, levels)
                units[f"{factor_column(name)}^2"] = "curvature"
            if scale_of(levels) == "log":
                units[factor_column(name)] = unit(levels)
        else:
            present = [level for level in levels if (values == level).any()]
            columns |= {
                f"{factor_column(name)}[{level}]": (values == level).to_numpy(dtype=float) for level in present[1:]
            }
            left_out |= {f"{factor_column(name)}[{level}]": "no rows" for level in levels if level not in present}
    return Coding(pd.DataFrame(columns, index=rows.index, dtype=float), (), left_out, units)


def first_model(
    rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]] | None = None, strategies: Strategies = BUILT_IN
) -> Coding:
    """Eq. 10-12: an intercept per strategy and, for several sources, a slope on n*, both also by target; then factors.

    Only strategies that occur get terms, and slopes only where n* varies within the strategy.
    """
    intercepts = strategy_columns(rows, strategies)
    absent = [name for name in strategies if f"strategy[{name}]" not in intercepts and INTERCEPT not in intercepts]
    left_out = {f"strategy[{name}]": "no rows" for name in absent}
    steps = _n_star_or_nan(rows, strategies)
    slopes: dict[str, np.ndarray] = {}
    for term in intercepts:
        if term == INTERCEPT or strategies[strategy_of(term)].is_single:
            continue
        within = steps[intercepts[term] == 1]
        if np.isnan(within).any():
            left_out[f"{term}:n_star"] = N_UNKNOWN
        elif np.ptp(within) == 0:
            left_out[f"{term}:n_star"] = f"all its rows have n* = {within[0]:g}"
        else:
            slopes[f"{term}:n_star"] = np.where(intercepts[term] == 1, steps, 0.0)
    terms = pd.concat([intercepts, pd.DataFrame(slopes, index=rows.index, dtype=float)], axis=1)
    return _with_factors(Coding(terms, tuple(terms), left_out, strategies=strategies), rows, factors)


def second_model(
    rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]] | None = None, strategies: Strategies = BUILT_IN
) -> Coding:
    """Eq. 13-16: intercept, r*, n* and their product, the last three also by target; no random intercept; then factors.

    A term that earlier terms already determine in these rows is left out (r* n* where MSS-CR and SS-R are alone).
    """
    steps, size = _n_star_or_nan(rows, strategies), r_star(rows["strategy"], strategies)
    columns = {INTERCEPT: np.ones(len(rows))}
    left_out: dict[str, str] = {}
    for term, column in {"r_star": size, "n_star": steps, "r_star:n_star": size * steps}.items():
        if np.isnan(column).any():
            left_out[term] = N_UNKNOWN
        elif np.linalg.matrix_rank(np.column_stack([*columns.values(), column])) <= len(columns):
            left_out[term] = DETERMINED
        else:
            columns[term] = column
    terms = pd.DataFrame(columns, index=rows.index)
    return _with_factors(Coding(terms, tuple(terms)[1:], left_out, strategies=strategies), rows, factors)


def _with_factors(model: Coding, rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]] | None) -> Coding:
    """The model's terms, then those of further factors that the terms before them do not already determine."""
    further = factor_columns(rows, factors or {})
    columns, left_out = model.columns, {**model.left_out, **further.left_out}
    for name, column in further.columns.items():
        wider = columns.assign(**{str(name): column})
        if np.linalg.matrix_rank(wider) == np.linalg.matrix_rank(columns):
            left_out[str(name)] = DETERMINED
        else:
            columns = wider
    return Coding(columns, model.random, left_out, further.units, model.strategies)


def _n_star_or_nan(rows: pd.DataFrame, strategies: Strategies) -> np.ndarray:
    counts = rows["n_sources"] if "n_sources" in rows else np.full(len(rows), np.nan)
    return n_star(rows["strategy"], counts, strategies)


def over_range(
    rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]]
) -> tuple[pd.DataFrame, dict[str, Sequence[Level]]]:
    """The rows and the factors with each number from 0 to 1, evenly on the factor's scale."""
    changed: dict[str, Sequence[Level]] = dict(factors)
    for name, levels in factors.items():
        if are_numbers(levels) and len(levels) > 1:
            known = scaled(levels, levels)
            lowest, span = known.min(), np.ptp(known)
            changed[name] = Levels(((known - lowest) / span).tolist())
            values = (scaled(rows[factor_column(name)], levels) - lowest) / span
            rows = rows.assign(**{factor_column(name): values})
    return rows, changed


def span_ratios(columns: pd.DataFrame, before: pd.DataFrame) -> dict[str, float]:
    """How many times as far the columns of further factors range as they did before, by term."""
    names = [str(name) for name in columns if str(name).startswith(FACTOR) and name in before]
    return {name: float(np.ptp(columns[name]) / np.ptp(before[name])) for name in names}


def _known(strategy: Iterable[str], strategies: Strategies) -> np.ndarray:
    names = np.asarray(list(strategy), dtype=object)
    raise_all(
        Fault("", "strategy", name, f"expected one of {', '.join(strategies)}", nearest(str(name), strategies))
        for name in dict.fromkeys(names)
        if name not in (*strategies, ALONE)
    )
    return names


def _faults_of_factors(rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]]) -> Iterator[Fault]:
    for name, levels in factors.items():
        if factor_column(name) not in rows:
            yield Fault("", factor_column(name), None, "no such column among the rows")
            continue
        column = rows[factor_column(name)]
        for value in column[~column.isin(levels)].drop_duplicates():
            yield Fault("", factor_column(name), value, f"expected one of {', '.join(map(str, levels))}")
