"""Columns of formulas against R's model.matrix and lme4's lFormula, fits against lmer (tests/reference/formulas.R)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.fitting.inference import fixed_effects
from analysis.fitting.mixed_model import MixedFit, fit_mixed
from analysis.formulas.formula import Built, build
from study.core.coding import n_star, r_star
from study.core.errors import InputFaults
from study.core.formula_grammar import parse
from study.core.formula_names import columns_of
from study.core.strategies import STRATEGIES

REFERENCE = Path(__file__).parents[2] / "reference"
R = json.loads((REFERENCE / "formulas.json").read_text(encoding="utf-8"))
COLUMNS = columns_of([f"s{k}" for k in range(8)], {"width": (0.5, 1.0, 2.0), "act": ("relu", "gelu", "elu")})


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """The rows that formulas.R makes."""
    rows = pd.read_csv(REFERENCE / "mixed_models_unbalanced.csv").rename(columns={"score": "z"})
    run = rows["run_id"].str[1:].astype(int).to_numpy()
    steps, size = n_star(rows["strategy"], rows["n_sources"]), r_star(rows["strategy"])
    width, act = np.array([0.5, 1.0, 2.0])[run % 3], np.array(["relu", "gelu", "elu"], dtype=object)[run // 3 % 3]
    return rows.assign(n_star=steps, r_star=size, **{"factor.width": width, "factor.act": act})


def of(text: str, rows: pd.DataFrame) -> Built:
    return build(parse(f"score ~ {text}"), rows, COLUMNS)


def in_r(name: str) -> str:
    """A term's name as R has it: no brackets around levels, no prefixes."""
    name = re.sub(r"\b(factor|source)\.", "", name).replace("n_sources[", "factor(n_sources)[")
    return re.sub(r"\[(.*?)\]", r"\1", name).replace("intercept", "(Intercept)")


def products(columns: pd.DataFrame) -> np.ndarray:
    """Each column's products with sin(1:n) and cos(1:n), (p, 2)."""
    position = np.arange(1, len(columns) + 1)
    return columns.to_numpy().T @ np.column_stack([np.sin(position), np.cos(position)])


@pytest.mark.parametrize("text", R["fixed"])
def test_fixed_columns_are_those_of_model_matrix(text: str, rows: pd.DataFrame) -> None:
    built, expected = of(f"{text} + (1 | target)", rows), R["fixed"][text]
    fixed = parse(f"score ~ {text}").fixed
    assert [":".join(map(str, term)) for term in fixed.terms] == expected["terms"]
    assert list(map(in_r, built.fixed)) == list(expected["columns"])
    assert products(built.fixed) == pytest.approx(np.array(list(expected["columns"].values())), abs=1e-9)
    assert list(map(in_r, built.left_out)) == list(expected["dropped"])


@pytest.mark.parametrize("text", R["random"])
def test_random_terms_are_those_of_lme4(text: str, rows: pd.DataFrame) -> None:
    found = {
        (frozenset(term.group.replace("factor.", "").split(":")), tuple(map(in_r, term.columns))):
        (len(set(term.levels)), products(term.columns), term.correlated)
        for term in of(f"1 + {text}", rows).random
    }  # fmt: skip
    expected = {}
    for term in R["random"][text]:
        columns = {name: both for name, both in term["columns"].items() if any(both)}  # zeros are left out here
        key = frozenset(re.sub("[()]", "", term["group"]).split(":")), tuple(columns)
        expected[key] = term["n_levels"], np.array(list(columns.values())), len(columns) > 1
    assert set(found) == set(expected)
    for key, (n_levels, columns, correlated) in expected.items():
        assert found[key][0] == n_levels and found[key][2] is correlated
        assert found[key][1] == pytest.approx(columns, abs=1e-9)


def assert_is_lme4s(fit: MixedFit, expected: dict) -> None:
    effects = fixed_effects(fit)
    assert list(map(in_r, effects["term"])) == expected["terms"]
    assert fit.criterion == pytest.approx(expected["criterion"], abs=1e-6)
    for name in ("estimate", "se"):
        assert effects[name].to_numpy() == pytest.approx(expected[name], rel=1e-4, abs=1e-6)
    assert effects["df"].to_numpy() == pytest.approx(expected["df"], rel=2e-3)


@pytest.mark.parametrize("text", R["fits"])
def test_fits_are_lme4s(text: str, rows: pd.DataFrame) -> None:
    built = of(text, rows)
    assert_is_lme4s(fit_mixed(built.y, built.fixed, built.random), R["fits"][text])


def test_correlated_slopes_of_the_sleep_study_are_lme4s() -> None:
    """Belenky et al. 2003, the example of Bates et al. 2015."""
    given = pd.DataFrame(R["sleepstudy"]["rows"])
    rows = pd.DataFrame({"z": given["Reaction"], "factor.Days": given["Days"], "target": given["Subject"]})
    columns = columns_of([], {"Days": tuple(range(10))})
    built = build(parse("score ~ Days + (Days | target)"), rows, columns)
    fit = fit_mixed(built.y, built.fixed, built.random)
    assert_is_lme4s(fit, R["sleepstudy"]["fit"])


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.sampled_from(STRATEGIES), st.sampled_from(["relu", "gelu", "elu"])), min_size=1, max_size=15)
)
def test_however_two_factors_are_crossed_each_cell_that_occurs_has_a_mean(cells: list[tuple[str, str]]) -> None:
    cell = pd.DataFrame(cells, columns=["strategy", "factor.act"]).assign(z=0.0, target="t")
    for text in ("act * strategy", "act:strategy", "0 + act:strategy", "act / strategy", "0 + strategy * act"):
        fixed = of(f"{text} + (1 | target)", cell).fixed
        assert fixed.shape[1] == np.linalg.matrix_rank(fixed) == len(set(cells))


def test_rows_without_a_value_are_left_out_and_told(rows: pd.DataFrame) -> None:
    holed = rows.assign(**{"factor.width": rows["factor.width"].where(rows.index > 9)})
    built = of("width + (1 | target)", holed)
    assert len(built.y) == len(built.fixed) == len(built.random[0].levels) == len(rows) - 10
    assert built.left_out == {"10 rows": "without a value of factor.width"}
    assert of("n_star + (1 | target)", holed).left_out == {}


def test_a_factor_with_one_level_is_left_out_and_told(rows: pd.DataFrame) -> None:
    built = of("phase * n_star + (1 | target)", rows.assign(phase="all"))
    assert list(built.fixed) == ["intercept", "n_star"]
    assert built.left_out == {"phase[all]": "the only level that occurs"}
    kept = of("0 + phase + (1 | target)", rows.assign(phase="all"))
    assert (list(kept.fixed), kept.left_out) == (["phase[all]"], {})


def test_there_is_no_logarithm_of_zero(rows: pd.DataFrame) -> None:
    with pytest.raises(InputFaults, match=r"log\(n_star\) = 0.0: expected numbers above 0"):
        of("log(n_star) + (1 | target)", rows)


def test_levels_that_print_alike_stay_apart(rows: pd.DataFrame) -> None:
    counts = rows.assign(n_parameters=np.where(rows.index % 2, 1_000_001.0, 1_000_002.0))
    built = of("0 + factor(n_parameters) + (1 | target)", counts)
    assert list(built.fixed) == ["n_parameters[1000001]", "n_parameters[1000002]"]
