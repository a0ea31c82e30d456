"""The columns that a formula may name, and the faults of a formula over these columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from study.core.columns import OBSERVED, factor_column, nuisance_column, source_column
from study.core.errors import Fault, nearest
from study.core.factors import Level
from study.core.formula import Formula, Variable, quoted
from study.core.formula_grammar import parse, parse_terms
from study.core.formula_tokens import FormulaError, tokens
from study.core.scales import are_numbers
from study.core.strategies import BUILT_IN as SIX
from study.core.strategies import Strategies

RESPONSE = "score"


@dataclass(frozen=True)
class Column:
    """A column of the rows: numbers, or a factor with `levels` in their order (empty: those that occur, sorted)."""

    name: str
    is_number: bool
    levels: tuple[Level, ...] = ()


BUILT_IN = {
    column.name: column
    for column in (
        *(Column(name, True) for name in ("n_sources", "n_star", "r_star", "n_parameters", "replicate")),
        *(Column(name, False) for name in ("target", "run_id", "combination", "phase")),
    )
}
RECORDED = {name: Column(name, name == "threads") for name in OBSERVED}


def columns_of(
    sources: Iterable[str],
    factors: Mapping[str, Sequence[Level]],
    nuisance: Iterable[str] = (),
    strategies: Strategies = SIX,
) -> dict[str, Column]:
    """Each name that a formula may use, and its column.

    Sources (1 if a run learns from it, else 0), further factors and nuisance factors are named `source.<name>`,
    `factor.<name>` and `nuisance.<name>`, or `<name>` alone if that is unique. A further factor whose levels are all
    numbers is numeric. Of the same name, a factor comes before a recorded condition (such as `precision`).
    """
    full = {source_column(name): Column(source_column(name), True) for name in sources}
    for name, levels in factors.items():
        numbers = are_numbers(levels)
        full[factor_column(name)] = Column(factor_column(name), numbers, () if numbers else tuple(levels))
    full |= {name: Column(name, False) for name in map(nuisance_column, nuisance)}
    short = [name.partition(".")[2] for name in full]
    plain = {name: column for name, column in zip(short, full.values(), strict=True) if short.count(name) == 1}
    own = {name: column for name, column in plain.items() if name not in full}
    of_strategy = {"strategy": Column("strategy", False, tuple(strategies))}
    named = {**full, **own, **of_strategy, **BUILT_IN}
    return named | {name: column for name, column in RECORDED.items() if name not in named}


def faults_of_formula(
    text: str, columns: Mapping[str, Column], file: str, key: str, response: str | None = RESPONSE
) -> Iterator[Fault]:
    """The faults of a formula over these columns: where it is invalid, and each unknown name with its position.

    `response` is the required response; None allows any column.
    """
    yield from _unknown_names(text, columns, file, key, 1)
    try:
        formula = parse(text)
        yield from _faults_of_response(text, formula.response, columns, file, key, response)
        yield from _faults_of_terms(text, formula, columns, file, key)
    except FormulaError as error:
        yield Fault(file, key, text, str(error), error.nearest)


def faults_of_terms(text: str, columns: Mapping[str, Column], file: str, key: str) -> Iterator[Fault]:
    """What is wrong with the right side of a formula over these columns."""
    yield from _unknown_names(text, columns, file, key, 0)
    try:
        terms = parse_terms(text)
    except FormulaError as error:
        yield Fault(file, key, text, str(error), error.nearest)
        return
    for variable in dict.fromkeys(variable for term in terms.terms for variable in term):
        yield from _faults_of_variable(text, variable, columns, file, key)


def _unknown_names(text: str, columns: Mapping[str, Column], file: str, key: str, n_before: int) -> Iterator[Fault]:
    """A fault for each name, after the first `n_before` words, that is no column."""
    full = dict.fromkeys(quoted(column.name) for column in columns.values())
    unknown: dict[str, int] = {}
    for token, after in list(pairwise(tokens(text)))[n_before:]:
        if token.kind == "name" and token.text not in (*columns, ".") and after.text != "(":
            unknown.setdefault(token.text, token.column)
    for name, at in unknown.items():
        close = nearest(name, columns)
        yield Fault(
            file,
            key,
            text,
            f"column {at}: `{name}`: no such variable; expected one of {', '.join(full)}",
            close and quoted(close),
        )


def _faults_of_variable(
    text: str, variable: Variable, columns: Mapping[str, Column], file: str, key: str
) -> Iterator[Fault]:
    needs_number = variable.function in ("I", "log", "poly")
    if needs_number and variable.name in columns and not columns[variable.name].is_number:
        yield Fault(file, key, text, f"`{variable}`: `{variable.name}` is not numeric")


def _faults_of_response(
    text: str, name: str, columns: Mapping[str, Column], file: str, key: str, response: str | None
) -> Iterator[Fault]:
    if response is not None and name != response:
        expected = f"column 1: `{name}`: expected the response `{response}`, standardised within its target"
        yield Fault(file, key, text, expected, nearest(name, [response]))
    elif response is None and name not in columns:
        expected = f"column 1: `{name}`: no such variable; expected one of {', '.join(map(quoted, columns))}"
        yield Fault(file, key, text, expected, nearest(name, columns))


def _faults_of_terms(
    text: str, formula: Formula, columns: Mapping[str, Column], file: str, key: str
) -> Iterator[Fault]:
    for variable in formula.variables:
        yield from _faults_of_variable(text, variable, columns, file, key)
    if not formula.random:
        yield Fault(file, key, text, "expected a random part, such as (1 | target)")
    if not formula.fixed.terms and not formula.fixed.intercept:
        yield Fault(file, key, text, "expected a fixed term or an intercept")
