"""Any frame and any response, against lmer with lmerTest on data sets that lme4 ships (tests/reference/fit_mixed.R)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.fitting.conditional import fitted
from analysis.fitting.mixed_model import NotCertified
from analysis.formulas.fit_mixed import MixedModel, fit_mixed
from study.core.errors import InputFaults

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "fit_mixed.json").read_text(encoding="utf-8"))
CASES = [name for name in REFERENCE if name != "versions"]


def frame(case: str) -> pd.DataFrame:
    return pd.DataFrame(REFERENCE[case]["data"])


@pytest.fixture(scope="module")
def fits() -> dict[str, MixedModel]:
    return {case: fit_mixed(REFERENCE[case]["formula"], frame(case), REFERENCE[case]["reml"]) for case in CASES}


@pytest.fixture(scope="module")
def sleepstudy(fits: dict[str, MixedModel]) -> MixedModel:
    return fits["sleepstudy"]


def in_r(name: str) -> str:
    return re.sub(r"\[(.*?)\]", r"\1", name).replace("intercept", "(Intercept)")


@pytest.mark.parametrize("case", CASES)
def test_numbers_are_those_of_lmer(fits: dict[str, MixedModel], case: str) -> None:
    fit, expected = fits[case], REFERENCE[case]
    assert fit.criterion == pytest.approx(expected["criterion"], abs=1e-6)
    assert [in_r(term) for term in fit.fixed["term"]] == expected["terms"]
    for name in ("estimate", "se", "df", "t"):
        assert fit.fixed[name].to_numpy() == pytest.approx(expected[name], rel=1e-3 if name == "df" else 2e-4, abs=1e-6)
    sd = [row["sdcor"] for row in expected["random"] if row["var2"] is None]
    assert fit.random["sd"].to_numpy() == pytest.approx(sd, rel=1e-4)
    correlation = [row["sdcor"] for row in expected["random"] if row["var2"] is not None]
    assert fit.correlations["correlation"].to_numpy() == pytest.approx(correlation, abs=1e-4)
    assert fit.fit.n_rows == expected["n"]
    assert dict(fit.fit.groups) == {group: n for group, (n,) in expected["groups"].items()}


@pytest.mark.parametrize("case", CASES)
def test_predictions_are_those_of_lmer(fits: dict[str, MixedModel], case: str) -> None:
    fit, expected = fits[case], REFERENCE[case]
    some = pd.DataFrame(expected["some"], index=["a", "b", "c"])
    found = fit.predict(some)
    assert found["prediction"].to_numpy() == pytest.approx(expected["own"], rel=1e-4)
    assert list(found.index) == ["a", "b", "c"] and (found["se"] > 0).all()
    nowhere = some.assign(**{name: "nowhere" for part in fit.parsed.random for name in part.group})
    if case != "cake":  # there a grouping factor is a fixed term too
        new = fit.predict(nowhere)
        assert new["prediction"].to_numpy() == pytest.approx(expected["population"], rel=1e-4)
        assert (new["se"] > found["se"]).all()
    np.testing.assert_allclose(fit.predict(fit.frame)["prediction"], fitted(fit.fit))


def test_the_published_estimates_of_the_sleep_study(sleepstudy: MixedModel) -> None:
    """Bates et al. 2015, section 5: printed by `summary`, to the digit."""
    assert sleepstudy.summary() == "\n".join([
        "Linear mixed model fit by REML, optimum certified. t-tests use Satterthwaite's method",
        "Formula: Reaction ~ Days + (Days | Subject)",
        "",
        "REML criterion: 1743.6283",
        "",
        "Scaled residuals:",
        "    Min      1Q Median     3Q    Max",
        "-3.9536 -0.4634 0.0231 0.4634 5.1793",
        "",
        "Random effects:",
        "Groups   Name      Variance Std.Dev. Corr",
        "Subject  intercept   612.09   24.740",
        "         Days         35.07    5.922 0.07",
        "Residual             654.94   25.592",
        "Number of obs: 180, groups:  Subject, 18",
        "",
        "Fixed effects:",
        "          Estimate Std. Error     df t value Pr(>|t|)",
        "intercept  251.405      6.825 17.000  36.838   <2e-16",
        "Days        10.467      1.546 17.000   6.771 3.26e-06",
    ])  # fmt: skip
    assert repr(sleepstudy) == sleepstudy.summary()
    assert sleepstudy._repr_html_().startswith("<pre>") and "t|)" in sleepstudy._repr_html_()


def test_scaled_residuals_are_those_of_lmer(fits: dict[str, MixedModel]) -> None:
    for case in CASES:
        lines = fits[case].summary().splitlines()
        printed = [float(value) for value in lines[lines.index("Scaled residuals:") + 2].split()]
        assert printed == pytest.approx(REFERENCE[case]["scaled_residuals"], abs=2e-4)


def test_a_contrast_is_a_weighted_sum_of_terms(sleepstudy: MixedModel) -> None:
    (row,) = sleepstudy.contrast({"Days": 2}).itertuples()
    slope = sleepstudy.fixed.set_index("term").loc["Days"]
    assert (row.estimate, row.se, row.df, row.p) == pytest.approx(
        (2 * slope["estimate"], 2 * slope["se"], slope["df"], slope["p"])
    )
    with pytest.raises(InputFaults, match=r"contrast = 'days': no such term; expected of intercept, Days; did"):
        sleepstudy.contrast({"days": 1})


def test_the_bootstrap_is_of_the_seed_and_holds_the_estimates(sleepstudy: MixedModel) -> None:
    found = sleepstudy.bootstrap(50, seed=3)
    assert found.n_left_out == 0 and len(found.draws) == 50
    intervals = found.intervals
    assert intervals["term"].tolist() == ["intercept", "Days", "intercept", "Days"]
    assert (intervals["low"] < intervals["estimate"]).all() and (intervals["estimate"] < intervals["high"]).all()
    pd.testing.assert_frame_equal(found.draws, sleepstudy.bootstrap(50, seed=np.random.default_rng(3)).draws)
    assert not found.draws.equals(sleepstudy.bootstrap(50, seed=4).draws)
    assert repr(found).startswith("50 bootstrap refits, 0 left out")


def test_rows_without_a_value_are_left_out_counted_and_said(fits: dict[str, MixedModel]) -> None:
    fit = fits["holed"]
    assert fit.left_out == {"3 rows": "without a value of Reaction or Days"}
    assert fit.summary().endswith("Left out: 3 rows (without a value of Reaction or Days)")
    assert len(fit.frame) == 177


def test_kinds_of_columns(fits: dict[str, MixedModel]) -> None:
    """Booleans and text are factors, categories keep their order, odd names stand in backticks."""
    rows = frame("sleepstudy")
    rows["late night"] = rows["Days"] > 4
    rows["kind"] = pd.Categorical(np.where(rows["Days"] % 2, "odd", "even"), ["odd", "even", "none"])
    rows["mixed"] = ["a" if day % 3 else 1 for day in rows["Days"]]
    rows["n"] = rows["Days"].astype("Int64")
    fit = fit_mixed("Reaction ~ `late night` + kind + mixed + n + (1 | Subject)", rows)
    assert fit.fixed["term"].tolist() == ["intercept", "late night[True]", "kind[even]", "mixed[a]", "n"]
    assert fit.predict(rows.head(2))["prediction"].notna().all()


def test_a_polynomial_predicts_new_rows_as_its_powers_do(sleepstudy: MixedModel) -> None:
    new = pd.DataFrame({"Days": [-1.0, 4.5, 20.0], "Subject": ["308", "309", "nobody"]})
    parts = ("poly(Days, 2)", "Days + I(Days^2)")
    found, expected = (fit_mixed(f"Reaction ~ {part} + (1 | Subject)", sleepstudy.frame).predict(new) for part in parts)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("reaction ~ Days + (1 | Subject)", "column 1: `reaction`: no such variable; expected one of Reaction, Days, "
         "Subject; did you mean 'Reaction'?"),
        ("Reaction ~ Day + (1 | Subjct)", "did you mean 'Days'?\n.*did you mean 'Subject'?"),
        ("Subject ~ Days + (1 | Subject)", "response Subject: expected a column of numbers"),
        ("Reaction ~ Days", "expected a random part"),
        ("Reaction ~ Days + (Days | Subject", "column 34: the end: expected"),
        ("Reaction ~ log(Days) + (1 | Subject)", r"log(Days) = 0.0: expected numbers above 0"),
        ("Reaction ~ Days + (1 | when)", "column 24: `when`: no such variable"),
        ("", "column 1: the end: expected the response"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_nearest_name(formula: str, said: str) -> None:
    rows = frame("sleepstudy").assign(when=pd.Timestamp("2026-01-01"))
    with pytest.raises(InputFaults) as caught:
        fit_mixed(formula, rows)
    first, _, second = said.partition("\n.*")
    assert first in str(caught.value) and second in str(caught.value)


def test_a_response_with_a_word_in_it_is_said_with_the_word() -> None:
    rows = frame("sleepstudy").astype({"Reaction": object})
    rows.loc[7, "Reaction"] = "n/a"
    with pytest.raises(InputFaults, match="response Reaction: expected a column of numbers; 'n/a' is none"):
        fit_mixed("Reaction ~ Days + (1 | Subject)", rows)


def test_a_frame_without_a_whole_row_and_one_group_have_no_fit() -> None:
    rows = frame("sleepstudy")
    with pytest.raises(InputFaults, match="rows = 0: expected rows that have all values"):
        fit_mixed("Reaction ~ Days + (1 | Subject)", rows.assign(Days=np.nan))
    with pytest.raises(NotCertified, match="Subject has one level"):
        fit_mixed("Reaction ~ Days + (1 | Subject)", rows[rows["Subject"] == "308"])


def test_new_rows_that_cannot_be_predicted_are_faults(fits: dict[str, MixedModel], sleepstudy: MixedModel) -> None:
    with pytest.raises(InputFaults) as caught:
        sleepstudy.predict(pd.DataFrame({"days": [1.0], "Subject": ["308"]}))
    assert "Days: no such column in the new rows; did you mean 'days'?" in str(caught.value)
    with pytest.raises(InputFaults, match="Days: expected a value in every row; empty in rows 2, counted from 1"):
        sleepstudy.predict(pd.DataFrame({"Days": [1.0, np.nan], "Subject": ["308", "308"]}))
    odd = frame("cake").head(1).assign(recipe="D")
    with pytest.raises(InputFaults, match="recipe = 'D': the fit has no such level; expected of A, B, C"):
        fits["cake"].predict(odd)
