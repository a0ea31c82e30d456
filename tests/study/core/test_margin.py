from __future__ import annotations

import pytest
from pydantic import ValidationError

from study.core.margin import EXPECTED, Margin, read_margin
from study.core.plan_sections import AnalysisSection


@pytest.mark.parametrize(
    ("given", "margin"),
    [
        (0.01, Margin(0.01, in_sd=False)),
        ("0.01", Margin(0.01, in_sd=False)),
        ("0.2 SD", Margin(0.2, in_sd=True)),
        (" .2sd ", Margin(0.2, in_sd=True)),
        (1, Margin(1.0, in_sd=False)),
        ("1e-3", Margin(0.001, in_sd=False)),
    ],
)
def test_a_margin_is_a_number_or_a_number_of_deviations(given: object, margin: Margin) -> None:
    assert read_margin(given) == margin
    assert AnalysisSection(equivalence=given).equivalence == given


@pytest.mark.parametrize(
    "given", [0, -0.01, "0.2 accuracy", "", "SD", "1.2.3", float("inf"), float("nan"), True, [0.1]]
)
def test_anything_else_is_refused_with_what_was_expected(given: object) -> None:
    with pytest.raises(ValueError, match="expected a number above 0") as error:
        read_margin(given)
    assert str(error.value) == EXPECTED
    with pytest.raises(ValidationError) as fault:
        AnalysisSection(equivalence=given)
    assert [one["msg"] for one in fault.value.errors()] == [EXPECTED]
