"""The formula language: what formulas stand for, what is refused and where, and that what is printed reads the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.core.errors import Fault
from study.core.formula import Formula, RandomPart, Terms, Variable
from study.core.formula_grammar import parse
from study.core.formula_names import Column, columns_of, faults_of_formula
from study.core.formula_tokens import FormulaError
from study.core.model_matrix import coded

COLUMNS = columns_of(["self", "year", "my-tag"], {"width": (0.5, 1.0), "activation": ("relu", "elu"), "year": (1, 2)})


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("score ~ strategy * n_star + (1 | target)", "1 + strategy + n_star + strategy:n_star + (1 | target)"),
        ("score~a:b+a-1+(1|g)", "0 + a + a:b + (1 | g)"),
        ("score ~ a / b / c", "1 + a + a:b + a:b:c"),
        ("score ~ (a + b) / c", "1 + a + b + a:b:c"),
        ("score ~ (a + b + c)^2 - b:c", "1 + a + b + c + a:b + a:c"),
        ("score ~ (a + b)^9", "1 + a + b + a:b"),
        ("score ~ a * b:c", "1 + a + b:c + a:b:c"),
        ("score ~ a + a + a:a + b:a + a:b", "1 + a + a:b"),
        ("score ~ 0 + a + 1", "1 + a"),
        ("score ~ a - (1 + b) + b", "0 + a + b"),
        ("score ~ -1 + I(n^2) + log(n) + factor(n)", "0 + I(n^2) + log(n) + factor(n)"),
        ("score ~ `my tag` + `log` + `2d`", "1 + `my tag` + log + `2d`"),
        ("score ~ (1 + x | g)", "1 + (1 + x | g)"),
        ("score ~ (x * f || g)", "1 + (1 | g) + (0 + x | g) + (0 + f | g) + (0 + x:f | g)"),
        ("score ~ (0 + x || g)", "1 + (0 + x | g)"),
        ("score ~ (x | a / b:c / d)", "1 + (1 + x | a) + (1 + x | a:b:c) + (1 + x | a:b:c:d)"),
        ("score ~ ((a) + ((1 | g)))", "1 + a + (1 | g)"),
    ],
)
def test_formulas_are_expanded_as_lme4_does(text: str, expanded: str) -> None:
    assert str(parse(text)) == f"score ~ {expanded}"


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        ("", 1, "the end: expected the response"),
        ("score", 6, "the end: expected `~`"),
        ("log(score) ~ a", 4, "`(`: expected `~`"),
        ("score ~", 8, "the end: expected a variable, 0, 1 or `(`"),
        ("score ~ a +* b", 12, "`*`: expected a variable"),
        ("score ~ a b", 11, "`b`: expected an operator or the end"),
        ("score ~ a ~ b", 11, "`~`: expected an operator or the end"),
        ("score ~ (a + b", 15, "the end: expected `)`"),
        ("score ~ `a + b", 9, "```: expected a variable"),
        ("score ~ 2 * a", 9, "`2`: expected a variable, 0, 1 or `(`"),
        ("score ~ .", 9, "`.` is not supported"),
        ("score ~ a %in% b", 11, "`%`: expected an operator or the end"),
        ("score ~ spline(a, 2)", 9, "`spline`: no such function; expected I(x^2), log(x), factor(x) or poly(x, 2)"),
        ("score ~ logg(a)", 9, "`logg`: no such function"),
        ("score ~ log(a + b)", 15, "`+`: expected `)`"),
        ("score ~ I(a * b)", 13, "`*`: expected `^`"),
        ("score ~ a^" + "9" * 5000, 11, "expected a power of 2 to 9"),
        ("score ~ a^1", 11, "`1`: expected a power of 2 to 9"),
        ("score ~ a:0", 9, "0 and 1 can be added with `+`, but not used with `:`"),
        ("score ~ a * (1 | g)", 9, "a random part can be added with `+`, but not used with `*`"),
        ("score ~ (1 | g)^2", 9, "a random part can be added with `+`, but not used with `^`"),
        ("score ~ a - (1 | g)", 11, "a random part cannot be removed with `-`"),
        ("score ~ a | g", 11, "write a random part in parentheses: (1 | group)"),
        ("score ~ ((1 | g) | h)", 18, "a random part cannot contain another one"),
        ("score ~ (0 | g)", 12, "`|`: expected a term before it"),
        ("score ~ (1 | a + b)", 16, "`+`: expected `)`"),
        ("score ~ (1 | log(a))", 17, "`(`: expected `)`"),
        ("score ~ (1 | 1)", 14, "`1`: expected a grouping variable"),
        ("score ~ " + "(" * 1000, 60, "more than 50 nested parentheses"),
        ("score ~ (a+b+c+d+e+f+g+h+i+j+k+l)^9", 9, "expands to more than 500 terms"),
    ],
)
def test_what_is_no_formula_is_told_with_its_place(text: str, column: int, told: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert caught.value.column == column
    assert told in caught.value.expected


def faults(text: str) -> list[Fault]:
    return list(faults_of_formula(text, COLUMNS, "study.toml", "[[analysis.model]] 1 formula"))


@pytest.mark.parametrize(
    "text",
    [
        "score ~ strategy * n_star + (1 | target)",
        "score ~ self + `my-tag` + source.year + factor.year + width + factor(width) + (activation || target / run_id)",
        "score ~ log(n_parameters) + I(r_star^2) + (1 | combination) + (1 | phase:replicate)",
    ],
)
def test_a_formula_over_the_columns_has_no_faults(text: str) -> None:
    assert faults(text) == []


def test_every_unknown_name_is_told_with_its_place_and_the_nearest() -> None:
    told = faults("score ~ strateg + foo * n_star + foo + (1 | tragets) + log(widht)")
    assert [(fault.expected.partition(": no")[0], fault.nearest) for fault in told] == [
        ("column 9: `strateg`", "strategy"), ("column 19: `foo`", None), ("column 45: `tragets`", "target"),
        ("column 60: `widht`", "width"),
    ]  # fmt: skip
    assert "expected one of source.self, source.year, `source.my-tag`, factor.width" in told[0].expected
    assert faults("score ~ my_tag + (1 | target)")[0].nearest == "`my-tag`"


def test_names_are_told_of_what_is_no_formula_too() -> None:
    assert [fault.expected.partition(":")[0] for fault in faults("score ~ strateg +* foo")] == [
        "column 9", "column 20", "column 18"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scores ~ n_star + (1 | target)", "column 1: `scores`: expected the response `score`"),
        ("z ~ n_star + (1 | target)", "column 1: `z`: expected the response `score`"),
        ("score ~ score + (1 | target)", "column 9: `score`: no such variable"),
        ("score ~ year + (1 | target)", "column 9: `year`: no such variable"),  # a source and a factor
        ("score ~ n_star", "expected a random part, such as (1 | target)"),
        ("score ~ 0 + (1 | target)", "expected a fixed term or an intercept"),
        ("score ~ log(strategy) + (1 | target)", "`log(strategy)`: `strategy` is not numeric"),
        ("score ~ 1 + (I(activation^2) | target)", "`I(activation^2)`: `activation` is not numeric"),
        ("score ~ logg(n_star)", "column 9: `logg`: no such function"),
        ("score ~ . + (1 | target)", "column 9: `.` is not supported"),
    ],
)
def test_what_does_not_fit_the_columns_is_told(text: str, told: str) -> None:
    (fault,) = faults(text)
    assert fault.expected.startswith(told)
    assert str(fault).startswith(f"study.toml: [[analysis.model]] 1 formula = '{text}': ")


names = st.one_of(st.sampled_from(["a", "b", "c", "n_star"]), st.text("ab |~(", min_size=1, max_size=3))
functions = st.sampled_from(["", "", "", "log", "factor", "I"])
variables = st.builds(lambda name, of, power: Variable(name, of, power if of == "I" else 1), names, functions,
                      st.integers(2, 9))  # fmt: skip
sums = st.builds(
    lambda terms, intercept: Terms(tuple(sorted({frozenset(t): tuple(t) for t in terms}.values(), key=len)), intercept),
    st.lists(st.lists(variables, min_size=1, max_size=3, unique=True), max_size=4), st.booleans(),
)  # fmt: skip
parts = st.builds(RandomPart, sums.filter(lambda s: s.terms or s.intercept),
                  st.lists(names, min_size=1, max_size=3, unique=True).map(tuple))  # fmt: skip
formulas = st.builds(Formula, names, sums, st.lists(parts, max_size=3, unique=True).map(tuple))


def as_sets(formula: Formula) -> list[object]:
    """A formula, whatever the order of the variables within its interactions."""
    sums = [formula.fixed, *(part.terms for part in formula.random)]
    return [formula.response, [(list(map(frozenset, one.terms)), one.intercept) for one in sums],
            [part.group for part in formula.random]]  # fmt: skip


@given(formulas)
def test_a_formula_as_it_is_printed_reads_the_same(formula: Formula) -> None:
    assert as_sets(parse(str(formula))) == as_sets(formula)


@given(st.text("ab01 +-*:/^()|~`.,%\n", max_size=30))
def test_any_text_is_read_or_refused_at_a_place_in_it(text: str) -> None:
    try:
        parse(text)
    except FormulaError as error:
        assert 1 <= error.column <= len(text) + 1


def test_poly_is_what_r_makes_of_it() -> None:
    """R 4.2: poly(c(1, 2, 4, 8), 2)."""
    terms = parse("score ~ poly(a, 2) + (1 | target)").fixed
    assert [str(variable) for (variable,) in terms.terms] == ["poly(a, 1)", "poly(a, 2)"]
    values = pd.Series([1.0, 2.0, 4.0, 8.0])
    columns = {str(one): coded(one, Column("a", True), values).columns[str(one)] for (one,) in terms.terms}
    expected = {
        "poly(a, 1)": [-0.51287764, -0.32637668, 0.04662524, 0.79262909],
        "poly(a, 2)": [0.52962714, -0.10592543, -0.76795935, 0.34425764],
    }
    for name, column in expected.items():
        np.testing.assert_allclose(columns[name], column, atol=1e-8)
