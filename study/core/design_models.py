"""The models that a phase may be designed for, as the study file names them, and the faults of that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from study.core.columns import OBSERVED, source_column
from study.core.errors import Fault
from study.core.factors import Level
from study.core.formula import quoted
from study.core.formula_names import Column, columns_of, faults_of_terms
from study.core.strategies import BUILT_IN, Strategies

MAIN, FIRST = "main", "first"
"""Main effects of everything; the fixed terms of the analysis's first model. Any other model is a formula."""
NOT_DESIGNED = (*OBSERVED, "n_parameters", "replicate", "target", "run_id", "combination", "phase")
"""Names of the analysis's language for what no design chooses."""


def columns_of_design(
    sources: Sequence[str], levels: Mapping[str, Sequence[Level]], strategies: Strategies = BUILT_IN
) -> dict[str, Column]:
    """What the formula of a design's model may name: `columns_of`, without what only results have."""
    known = columns_of(sources, levels, strategies=strategies)
    return {name: column for name, column in known.items() if column.name not in NOT_DESIGNED}


def with_sources(text: str, sources: Sequence[str]) -> str:
    """A model's text with `sources` written out as the sum of all of them."""
    every = " + ".join(quoted(source_column(name)) for name in sources)
    return re.sub(r"(?<![\w.`])sources(?![\w.`(])", f"({every})", text)


def model_faults(
    model: str | Mapping[str, float] | None,
    if_possible: Sequence[str],
    sources: Sequence[str],
    levels: Mapping[str, Sequence[Level]],
    file: str,
    key: str,
) -> Iterator[Fault]:
    """What is wrong with a phase's `model` and `want_if_possible`."""
    known = columns_of_design(sources, levels)
    texts = [model] if isinstance(model, str) else model or ()
    formulas = [text for text in texts if text not in (MAIN, FIRST)]
    for name, given in (("model", formulas), ("want_if_possible", if_possible)):
        for text in given:
            yield from faults_of_terms(with_sources(text, sources), known, file, f"{key} {name}")
