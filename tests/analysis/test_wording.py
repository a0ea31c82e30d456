from __future__ import annotations

from analysis.wording import listed, number


def test_listed() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_numbers_have_a_true_minus_and_enough_decimals() -> None:
    assert [number(value) for value in (1.234, -0.5, 0.0949, -0.003)] == ["1.23", "−0.50", "0.095", "−0.003"]
    assert number(0.2834, 3) == "0.283"
