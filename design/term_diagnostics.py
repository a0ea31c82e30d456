"""What a plan can tell of each term: its standard error, and which other terms it may be mistaken for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from design.expected_errors import main_effects, named_effects, run_rows, unit_errors
from design.model import Part, parts_of, written_out
from design.phases import SequentialPhase
from study.core.design_models import FIRST, MAIN
from study.core.effects import weights_of
from study.core.run import Run
from study.core.study_file import Study


def main_effect_terms(
    study: Study, runs: Sequence[Run], dependent: Iterable[str], gvif: Mapping[str, float]
) -> pd.DataFrame:
    """A row for each main effect that can be estimated: term, standard_error, gvif."""
    columns = main_effects(run_rows(study, runs), study).columns
    columns = columns.drop(columns=[name for name in dependent if name in columns])
    means = [name for name in columns if name.startswith("strategy[")]
    effects = [effect for effect in named_effects(columns) if effect.name not in means]
    errors = unit_errors(columns.to_numpy(), weights_of(effects, list(columns)))
    owners = ["strategy" if each.is_comparison else each.name.partition("[")[0].removesuffix("^2") for each in effects]
    return pd.DataFrame(
        {
            "term": [effect.name for effect in effects],
            "standard_error": errors,
            "gvif": [gvif.get(owner, np.nan) for owner in owners],
        }
    )


def model_terms(sequential: SequentialPhase, codes: np.ndarray) -> pd.DataFrame:
    """A row for each term of the formulas that the phase is designed for, as in `PhaseDiagnostics`."""
    factors, rows = sequential.candidates.factors, []
    for part in parts_of(sequential.phase.model, sequential.phase.want_if_possible):
        if part.name in (MAIN, FIRST) and not part.if_possible:
            continue
        wanted, n_certain = written_out(factors, sequential.candidates.codes, part)
        columns = written_out(factors, codes, part)[0]
        errors = dict(zip(columns, unit_errors(columns.to_numpy(), np.eye(columns.shape[1])), strict=True))
        mistaken = _mistaken(written_out(factors, codes, Part(MAIN))[0], columns)
        rows += [
            {
                "model": part.name,
                "term": term,
                "if_possible": place >= n_certain,
                "standard_error": errors.get(term, np.nan),
                **mistaken.get(term, {"mistaken_for": "", "share": np.nan}),
            }
            for place, term in enumerate(wanted)
        ]
    return pd.DataFrame(rows, columns=["model", "term", "if_possible", "standard_error", "mistaken_for", "share"])


def _mistaken(main: pd.DataFrame, columns: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Of each interaction among the columns: the main effect that leaving it out of the model would change most, and
    the share of the interaction that would be added to it (the alias matrix of Goos & Jones 2011, 2.3.7)."""
    interactions = [str(term) for term in columns if ":" in str(term)]
    effects = [term for term in main if not str(term).lower().startswith(("intercept", "(intercept"))]
    if not interactions or not effects:
        return {}
    alias = np.linalg.lstsq(main.to_numpy(), columns[interactions].to_numpy(), rcond=1e-9)[0]
    alias = alias[[main.columns.get_loc(term) for term in effects]]
    largest = np.abs(alias).argmax(axis=0)
    return {
        term: {"mistaken_for": str(effects[place]), "share": float(alias[place, number])}
        for number, (term, place) in enumerate(zip(interactions, largest, strict=True))
    }


def inflation(columns: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """GVIF^(1 / 2 df) of each factor (Fox & Monette 1992)."""
    owners = np.array([name.partition("[")[0] for name in names[1:]])
    centred = columns[:, 1:] - columns[:, 1:].mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    correlation = (centred / length).T @ (centred / length)
    found = {}
    for owner in dict.fromkeys(owners.tolist()):
        mine = owners == owner
        log = [np.linalg.slogdet(correlation[np.ix_(part, part)])[1] for part in (mine, ~mine, mine | ~mine)]
        found[owner] = float(np.exp((log[0] + log[1] - log[2]) / (2 * mine.sum())))
    return found
