"""Plans for the model that will be fitted: the first model, interactions, terms wanted if possible."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.formulas.formula import build
from design.anytime import anytime
from design.diagnostics import diagnose
from design.expected_errors import run_rows
from design.generate import generate
from design.information import log_efficiency, model_columns
from design.model import Part, parts_of, written_out
from design.phases import sequential_phases
from study.core.errors import InputFaults
from study.core.formula_grammar import parse
from study.core.formula_names import columns_of
from tests.design.spaces import PAPER_PHASES, nothing, paper_candidates, write_study
from tests.design.test_anytime import DEFAULT, slope_errors
from tests.reference.fedorov import best_exchange

PAPER = paper_candidates()
OPTIMUM = json.loads((Path(__file__).parents[1] / "reference" / "fedorov.json").read_text())["100"]


def hundred(balance: tuple[str, ...], model: tuple[Part, ...], seed: int = 0) -> np.ndarray:
    order = anytime(PAPER, nothing(PAPER), PAPER.positions(balance), np.random.SeedSequence(seed), model=model)
    return PAPER.codes[list(islice(order, 100))]


def share_of_optimum(codes: np.ndarray) -> float:
    return float(np.exp(log_efficiency(model_columns(PAPER.factors, codes))) / OPTIMUM)


@pytest.mark.parametrize("seed", range(3))
def test_the_default_knows_slopes_better_and_main_effects_as_well(seed: int):
    codes = hundred(("strategy", "sources", "n_sources"), DEFAULT, seed)
    assert slope_errors(codes).mean() < 0.1305  # 0.138 for main effects alone
    assert share_of_optimum(codes) >= 0.96


@pytest.mark.parametrize("seed", range(3))
def test_the_first_model_has_slopes_as_well_known_as_can_be_and_every_size_run(seed: int):
    codes = hundred(("strategy", "sources"), parts_of("first"), seed)
    assert slope_errors(codes).mean() <= 0.105
    assert share_of_optimum(codes) >= 0.92
    assert np.bincount(codes[:, -1], minlength=6).min() >= 3


def test_the_first_model_counts_what_analyze_codes():
    columns, n_certain = written_out(PAPER.factors, PAPER.codes, Part("first"))
    assert n_certain == 10
    assert next(iter(columns)) == "strategy[MS-SR@FC]" and list(columns)[-1] == "strategy[MSS-CR]:n_star"


def test_interactions_that_are_wanted_are_known_nearly_as_well_as_can_be():
    """Strategy x source: 13 main effects and 32 interactions from 100 of 1,230 runs, against Fedorov's exchange."""
    part = Part("strategy * sources")
    columns = written_out(PAPER.factors, PAPER.codes, part)[0].to_numpy()
    order = anytime(PAPER, nothing(PAPER), (0,), np.random.SeedSequence(0), model=parts_of("strategy * sources"))
    mine = columns[list(islice(order, 100))]
    log_det = np.linalg.slogdet(mine.T @ mine)[1] / mine.shape[1]
    best = best_exchange(columns, 100, 2, np.random.default_rng(0)) * 100
    assert np.exp(log_det) >= 0.95 * best


def test_a_weighting_lies_between_its_parts():
    errors = [
        slope_errors(hundred(("strategy", "sources"), parts_of(model))).mean()
        for model in ("first", {"main": 1.0, "first": 0.5}, "main")
    ]
    assert errors == sorted(errors) and errors[0] < errors[1] < errors[2]


TAGGING = """
[[design.phase]]
name = "sequential"
strategy = ["SS-R"]
n_sources = [1]
criterion = "anytime"
model = "(width + activation + epochs + batch_size + precision)^2"
"""
TAGGING_FACTORS = """
width = [0.5, 1.0, 2.0]
activation = ["relu", "elu"]
epochs = [50, 100, 200]
batch_size = [32, 64]
precision = ["float32", "bf16"]
[scale]
width = "levels"
epochs = "levels"
"""


def tagging(folder: Path):
    study = write_study(folder, TAGGING, sources=1, factors=TAGGING_FACTORS)
    return study, generate(study, 40)


def test_all_two_way_interactions_from_forty_of_72_runs(tmp_path: Path):
    """3 x 2 x 3 x 2 x 2: 27 terms; the errors that are printed are those of the columns that the analysis fits."""
    study, runs = tagging(tmp_path)
    (phase,) = sequential_phases(study)
    assert len(phase.candidates) == 72
    found = diagnose(study, phase, runs).model_terms
    assert len(found) == 27 and found.standard_error.notna().all()
    rows = run_rows(study, runs)
    n_targets, sigma = 3, 0.75
    long = pd.concat([rows.assign(target=f"t{k}", z=0.0) for k in range(n_targets)], ignore_index=True)
    formula = parse("score ~ (width + activation + epochs + batch_size + precision)^2 + (1 | target)")
    fixed = build(formula, long, columns_of(list(study.sources), study.further_factors)).fixed
    x = fixed.to_numpy()
    v = sigma**2 * np.eye(len(x)) + 0.15**2 * np.equal.outer(long.target.to_numpy(), long.target.to_numpy())
    analysis = pd.Series(np.sqrt(np.diag(np.linalg.inv(x.T @ np.linalg.solve(v, x)))), fixed.columns)
    printed = found.set_index("term").standard_error * sigma / np.sqrt(n_targets)
    assert set(fixed.columns) == set(printed.index)
    terms = [term for term in printed.index if term != "intercept"]
    np.testing.assert_allclose(printed[terms], analysis[terms], rtol=1e-6)


def test_an_interaction_is_found_that_one_factor_at_a_time_misses(tmp_path: Path):
    study, runs = tagging(tmp_path)
    (phase,) = sequential_phases(study)
    part = Part(str(phase.phase.model))
    codes = phase.candidates.codes_of(runs)
    columns = written_out(phase.candidates.factors, codes, part)[0]
    term = "factor.activation[elu]:factor.precision[bf16]"
    rng = np.random.default_rng(1)
    y = 1.0 * columns[term].to_numpy() + 0.2 * rng.standard_normal(len(columns))
    estimate, residual, *_ = np.linalg.lstsq(columns.to_numpy(), y, rcond=None)
    sd = np.sqrt(residual[0] / (40 - 27)) * diagnose(study, phase, runs).model_terms.set_index("term").standard_error
    t = pd.Series(estimate, columns.columns) / sd
    assert abs(t[term]) > 4 and t.drop(term).abs().max() < abs(t[term])
    everything = phase.candidates.codes.astype(int)
    one_at_a_time = everything[(everything != everything[0]).sum(axis=1) <= 1].astype(np.uint8)
    assert term not in written_out(phase.candidates.factors, one_at_a_time, part)[0]


def test_terms_wanted_if_possible_wait_for_those_wanted_for_certain(tmp_path: Path):
    wanted = 'model = "width + activation"\nwant_if_possible = ["width:activation", "poly(learning_rate, 2)"]\n'
    factors = 'width = [0.5, 1.0, 2.0]\nactivation = ["relu", "elu"]\nlearning_rate = [1e-4, 1e-3, 1e-2]'
    phases = PAPER_PHASES[PAPER_PHASES.rindex("[[design.phase]]") :].replace("to = 7", "to = 3") + wanted
    study = write_study(tmp_path, phases, sources=3, factors=factors)
    (phase,) = sequential_phases(study)
    found = diagnose(study, phase, generate(study, 30)).model_terms
    assert found[found.if_possible].term.tolist() == [
        "poly(factor.learning_rate, 1)", "poly(factor.learning_rate, 2)", "factor.width:factor.activation[elu]",
    ]  # fmt: skip
    assert found.standard_error.notna().all()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('model = "fisrt"', "no such variable"),
        ('model = "self * (year"', "expected"),
        ('model = "poly(strategy, 2)"', "is not numeric"),
        ('model = "self + (1 | target)"', "(... | group)"),
        ("model = { main = 1, first = 0 }", "weights above 0"),
        ('want_if_possible = ["self:widht"]', "no such variable"),
    ],
)
def test_models_that_are_none(tmp_path: Path, line: str, told: str):
    with pytest.raises(InputFaults) as error:
        write_study(tmp_path, PAPER_PHASES + line)
    assert told in str(error.value) and "[[design.phase]]" in str(error.value)


def test_only_anytime_plans_for_a_model(tmp_path: Path):
    study = write_study(tmp_path, PAPER_PHASES.replace('"anytime"', '"D"') + 'model = "first"')
    with pytest.raises(InputFaults, match="model = 'first': only criterion"):
        generate(study, 20)
