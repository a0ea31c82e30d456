"""The grammar of formulas: lme4's language, read without evaluating anything.

A formula is expanded while it is read, as R's `terms.formula` and lme4 expand it (Wilkinson & Rogers 1973):

    formula  = name "~" sum
    sum      = ["+" | "-"] product {("+" | "-") product}
    product  = crossed {("*" | "/") crossed}
    crossed  = powered {":" powered}
    powered  = atom ["^" integer]
    atom     = "0" | "1" | variable | poly | "(" sum ")" | "(" sum ("|" | "||") groups ")"
    variable = name | "log(" name ")" | "factor(" name ")" | "I(" name "^" integer ")"
    poly     = "poly(" name "," integer ")"
    groups   = chain {"/" chain}          chain = name {":" name}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from study.core.errors import nearest
from study.core.formula import Formula, RandomPart, Terms, Variable
from study.core.formula_tokens import FormulaError, Token, tokens

T = TypeVar("T")
Products = tuple[frozenset[Variable], ...]
"""Terms while their variables have no order yet."""
FUNCTIONS = ("I", "factor", "log", "poly")
POWERS = tuple(map(str, range(2, 10)))
MAX_TERMS = 500
MAX_DEPTH = 50
"""Of parentheses within parentheses."""


def parse(text: str) -> Formula:
    """Read a formula. Raises `FormulaError` at the first place where it is not valid."""
    return _Parser(text).formula()


def parse_terms(text: str) -> Terms:
    """Read a formula's right side without random parts. Raises `FormulaError` at the place where it is none."""
    return _Parser(text).terms()


@dataclass(frozen=True)
class _Sum:
    """A part of a formula, expanded: its terms, an intercept added or removed (None: neither), and random parts."""

    terms: Products = ()
    intercept: bool | None = None
    random: tuple[RandomPart, ...] = ()


class _Parser:
    """The tokens of a formula, the current position, and the variables of the current sum in order of appearance."""

    def __init__(self, text: str) -> None:
        self.tokens = list(tokens(text))
        self.position = self.depth = 0
        self.seen: dict[Variable, None] = {}

    def formula(self) -> Formula:
        response = self._expect_name("the response: `score ~ ...`")
        self._expect("~")
        value = self._sum()
        self._expect("")
        return Formula(response.text, self._ordered(value), tuple(dict.fromkeys(value.random)))

    def terms(self) -> Terms:
        value = self._sum()
        self._expect("")
        if value.random:
            raise FormulaError(1, "expected fixed terms alone, without (... | group)")
        return self._ordered(value)

    def _sum(self) -> _Sum:
        start, total = self._here, _Sum()
        sign = self._take("+", "-")
        while True:
            value = self._product()
            if sign is None or sign.text == "+":
                total = _Sum(
                    _once(start, total.terms + value.terms),
                    total.intercept if value.intercept is None else value.intercept,
                    total.random + value.random,
                )
            elif value.random:
                raise FormulaError(sign.column, "a random part cannot be removed with `-`; leave it out")
            else:
                kept = tuple(term for term in total.terms if term not in value.terms)
                total = _Sum(kept, total.intercept if value.intercept is None else not value.intercept, total.random)
            sign = self._take("+", "-")
            if sign is None:
                return total

    def _product(self) -> _Sum:
        start, left = self._here, self._crossed()
        while operator := self._take("*", "/"):
            right = self._crossed()
            _require_terms(start, operator, left, right)
            if operator.text == "*":
                terms = left.terms + right.terms + _interactions(left.terms, right.terms)
            else:
                terms = left.terms + _interactions((frozenset().union(*left.terms),), right.terms)
            left = _Sum(_once(start, terms))
        return left

    def _crossed(self) -> _Sum:
        start, left = self._here, self._powered()
        while operator := self._take(":"):
            right = self._powered()
            _require_terms(start, operator, left, right)
            left = _Sum(_once(start, _interactions(left.terms, right.terms)))
        return left

    def _powered(self) -> _Sum:
        start, value = self._here, self._atom()
        operator = self._take("^")
        if operator is None:
            return value
        power = self._power()
        _require_terms(start, operator, value)
        terms = value.terms
        for _ in range(power - 1):
            terms = _once(start, _interactions(terms, value.terms))
        return _Sum(terms)

    def _atom(self) -> _Sum:
        here = self._here
        if here.text == "poly" and self.tokens[self.position + 1].text == "(":
            return self._poly()
        if here.kind == "name":
            variable = self._variable()
            self.seen[variable] = None
            return _Sum((frozenset([variable]),))
        if self._take("("):
            return self._in_parentheses()
        if here.text in ("0", "1"):
            self.position += 1
            return _Sum(intercept=here.text == "1")
        raise self._unexpected("a variable, 0, 1 or `(`")

    def _poly(self) -> _Sum:
        """poly(x, 2) is a line and a parabola that are orthogonal over the rows."""
        self.position += 1
        self._expect("(")
        name = self._expect_name("a variable").text
        self._expect(",")
        degree = self._power()
        self._expect(")")
        variables = [Variable(name, "poly", power) for power in range(1, degree + 1)]
        self.seen |= dict.fromkeys(variables)
        return _Sum(tuple(frozenset([variable]) for variable in variables))

    def _in_parentheses(self) -> _Sum:
        if self.depth == MAX_DEPTH:
            raise FormulaError(self._here.column, f"more than {MAX_DEPTH} nested parentheses")
        before, self.seen = self.seen, {}
        self.depth += 1
        value = self._sum()
        self.depth -= 1
        bar = self._take("|", "||")
        if bar is None:
            self._expect(")")
            self.seen = before | self.seen
            return value
        if value.random:
            raise FormulaError(bar.column, "a random part cannot contain another one")
        terms = self._ordered(value)
        if not terms.terms and not terms.intercept:
            raise FormulaError(bar.column, f"`{bar.text}`: expected a term before it, such as (1 | group)")
        self.seen = before
        groups = list(self._groups())
        self._expect(")")
        parts = _independent(terms) if bar.text == "||" else [terms]
        return _Sum(random=tuple(RandomPart(part, group) for group in groups for part in parts))

    def _groups(self) -> Iterator[tuple[str, ...]]:
        """a/b/c is a, a:b and a:b:c."""
        nested = accumulate(self._separated("/", lambda: tuple(self._separated(":", self._group))))
        return (tuple(dict.fromkeys(names)) for names in nested)

    def _group(self) -> str:
        return self._expect_name("a grouping variable").text

    def _separated(self, operator: str, item: Callable[[], T]) -> list[T]:
        items = [item()]
        while self._take(operator):
            items.append(item())
        return items

    def _variable(self) -> Variable:
        name = self._expect_name("a variable")
        if not self._take("("):
            if name.text == ".":
                raise FormulaError(name.column, "`.` is not supported; name the columns")
            return Variable(name.text)
        if name.text not in FUNCTIONS:
            expected = f"`{name.text}`: no such function; expected I(x^2), log(x), factor(x) or poly(x, 2)"
            raise FormulaError(name.column, expected, nearest(name.text, FUNCTIONS))
        inner, power = self._expect_name("a variable").text, 1
        if name.text == "I":
            self._expect("^")
            power = self._power()
        self._expect(")")
        return Variable(inner, name.text, power)

    def _power(self) -> int:
        here = self._here
        if here.text not in POWERS:
            raise self._unexpected(f"a power of {POWERS[0]} to {POWERS[-1]}")
        self.position += 1
        return int(here.text)

    def _ordered(self, value: _Sum) -> Terms:
        position = {variable: number for number, variable in enumerate(self.seen)}
        terms = [tuple(sorted(term, key=position.__getitem__)) for term in value.terms]
        return Terms(tuple(sorted(terms, key=len)), value.intercept is not False)

    @property
    def _here(self) -> Token:
        return self.tokens[self.position]

    def _take(self, *operators: str) -> Token | None:
        here = self._here
        if here.kind != "operator" or here.text not in operators:
            return None
        self.position += 1
        return here

    def _expect(self, text: str) -> None:
        if self._here.text != text or self._here.kind == "name":
            raise self._unexpected(f"`{text}`" if text else "an operator or the end")
        self.position += 1

    def _expect_name(self, expected: str) -> Token:
        here = self._here
        if here.kind != "name":
            raise self._unexpected(expected)
        self.position += 1
        return here

    def _unexpected(self, expected: str) -> FormulaError:
        here = self._here
        if here.text in ("|", "||"):
            expected += "; write a random part in parentheses: (1 | group)"
        return FormulaError(here.column, f"{f'`{here.text}`' if here.kind else 'the end'}: expected {expected}")


def _interactions(left: Products, right: Products) -> Products:
    return tuple(term | other for term in left for other in right)


def _once(start: Token, terms: Products) -> Products:
    unique = tuple(dict.fromkeys(terms))
    if len(unique) > MAX_TERMS:
        raise FormulaError(start.column, f"expands to more than {MAX_TERMS} terms")
    return unique


def _independent(terms: Terms) -> list[Terms]:
    """`||` as lme4 expands it: one part per term, without an intercept, so that a factor's levels stay correlated."""
    return [Terms((), True)] * terms.intercept + [Terms((term,), False) for term in terms.terms]


def _require_terms(start: Token, operator: Token, *sides: _Sum) -> None:
    for side in sides:
        if side.random or side.intercept is not None:
            what = "a random part" if side.random else "0 and 1"
            raise FormulaError(start.column, f"{what} can be added with `+`, but not used with `{operator.text}`")
