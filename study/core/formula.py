"""A formula of lme4's language as a value: `score ~ fixed + (random | group)`, expanded into its terms.

`study.core.formula_grammar` reads formulas; `study.core.formula_names` lists the names they may use. See Bates et al.
2015, section 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PLAIN = re.compile(r"[^\W\d][\w.]*")


@dataclass(frozen=True)
class Variable:
    """A column of the rows, or one of the functions of it that the language has; `power` is that of
    `I(name^power)`, or the degree of one column of `poly(name, degree)`."""

    name: str
    function: str = ""
    power: int = 1

    def __str__(self) -> str:
        name = quoted(self.name)
        if not self.function:
            return name
        if self.function == "poly":
            return f"poly({name}, {self.power})"
        return f"{self.function}({name}^{self.power})" if self.function == "I" else f"{self.function}({name})"


Term = tuple[Variable, ...]
"""The variables of a main effect (one) or an interaction (several), in order of appearance in the formula."""


@dataclass(frozen=True)
class Terms:
    """The terms of a sum in R's order: main effects first, then interactions by degree, each as written."""

    terms: tuple[Term, ...]
    intercept: bool = True

    def __str__(self) -> str:
        return " + ".join(["1" if self.intercept else "0", *(":".join(map(str, term)) for term in self.terms)])


@dataclass(frozen=True)
class RandomPart:
    """Random coefficients of `terms`, correlated with each other, for each combination of `group`'s values."""

    terms: Terms
    group: tuple[str, ...]

    def __str__(self) -> str:
        return f"({self.terms} | {':'.join(map(quoted, self.group))})"


@dataclass(frozen=True)
class Formula:
    """An expanded formula: `||` and groups `a/b` become several random parts. `str` writes out the same terms."""

    response: str
    fixed: Terms
    random: tuple[RandomPart, ...]

    def __str__(self) -> str:
        return " + ".join([f"{quoted(self.response)} ~ {self.fixed}", *map(str, self.random)])

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables of its terms, each once."""
        terms = [*self.fixed.terms, *(term for part in self.random for term in part.terms.terms)]
        return tuple(dict.fromkeys(variable for term in terms for variable in term))


def quoted(name: str) -> str:
    """A name as written in a formula: in backticks if it has characters other than letters, digits, `.` and `_`."""
    return name if PLAIN.fullmatch(name) else f"`{name}`"
