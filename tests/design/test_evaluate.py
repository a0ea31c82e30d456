"""Tables of runs from elsewhere, judged as they are: known answers, and what cannot be judged."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from design.evaluate import evaluate
from study.core.errors import InputFaults
from tests.test_bad_input import study

PUBLISHED = Path(__file__).parents[2] / "../shared/reference/kim2019/experimental_design.csv"
PLACKETT_BURMAN = "++-+++---+-"


def test_a_full_factorial_is_perfect(tmp_path: Path):
    """As pyDOE3's `ff2n` through pandas writes it: -1 and 1, and an index without a name."""
    pd.DataFrame(itertools.product([-1.0, 1.0], repeat=3), columns=list("abc")).to_csv(tmp_path / "ff2n.csv")
    found = evaluate(tmp_path / "ff2n.csv")
    assert found.figures["D-efficiency, %"] == pytest.approx(100)
    assert found.figures["largest correlation of two factors"] == pytest.approx(0, abs=1e-12)
    assert found.unbalance == {"a": 0, "b": 0, "c": 0}
    assert found.errors == pytest.approx({f"{name}: 1.0 less -1.0": 2 / np.sqrt(8) for name in "abc"})
    assert list(found.left_out) == ["Unnamed: 0"]


def test_plackett_and_burmans_twelve_runs_with_semicolons_and_words(tmp_path: Path):
    rows = [list(PLACKETT_BURMAN[k:] + PLACKETT_BURMAN[:k]) for k in range(11)] + [["-"] * 11]
    words = pd.DataFrame(rows, columns=[f"x{k}" for k in range(11)]).replace({"+": "high", "-": "low"})
    words.to_csv(tmp_path / "pb.csv", sep=";", index=False)
    found = evaluate(tmp_path / "pb.csv")
    assert found.figures["D-efficiency, %"] == pytest.approx(100)
    assert found.figures["terms of the main effects"] == 12


def test_three_levels_errors_and_repeats_are_counted(tmp_path: Path):
    table = pd.DataFrame({"net": ["a", "b", "c"] * 4, "rate": [1e-3, 1e-3, 1e-3, 1e-2, 1e-2, 1e-2] * 2})
    table.to_parquet(tmp_path / "runs.parquet")
    found = evaluate(tmp_path / "runs.parquet")
    assert found.figures["repeated runs"] == 6
    assert found.errors["net: b less a"] == pytest.approx(np.sqrt(2 / 4))
    assert found.errors["rate: 0.01 less 0.001"] == pytest.approx(np.sqrt(2 / 6))


def test_too_few_runs_and_determined_columns_have_no_errors(tmp_path: Path):
    pd.DataFrame({"a": [0, 1, 1, 0], "b": [0, 1, 0, 1], "not_a": [1, 0, 0, 1]}).to_csv(tmp_path / "t.csv", index=False)
    found = evaluate(tmp_path / "t.csv")
    assert "determined by others" in found.left_out["not_a"]
    assert np.isnan(found.errors["not_a: 1 less 0"]) and not np.isnan(found.errors["b: 1 less 0"])


@pytest.mark.parametrize("text", ["", "a,b\n1,1\n1,1\n", "\x00\xff", "a\n"])
def test_what_is_no_table_is_a_fault(tmp_path: Path, text: str):
    (tmp_path / "none.csv").write_text(text)
    with pytest.raises(InputFaults, match=r"none\.csv"):
        evaluate(tmp_path / "none.csv")


def test_two_tables_side_by_side_without_a_study(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    for name, factors in (("one", 2), ("two", 3)):
        table = pd.DataFrame(itertools.product([0, 1], repeat=factors), columns=list("abc")[:factors])
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    words = ["design", str(tmp_path), "--evaluate", str(tmp_path / "one.csv"), "--against", str(tmp_path / "two.csv")]
    status, out, _ = study(capfd, *words)
    assert status == 0 and "one.csv" in out and "two.csv" in out and "D-efficiency" in out
    status, out, _ = study(capfd, *words, "--json")
    assert [table["figures"]["runs"] for table in json.loads(out)] == [4, 8]
    assert study(capfd, "design", str(tmp_path), "--against", str(tmp_path / "two.csv"))[0] == 2
    assert not (tmp_path / "plan.parquet").exists()


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published design is not beside this checkout")
def test_the_published_design_as_it_is():
    found = evaluate(PUBLISHED)
    assert found.figures["runs"] == 600 and "n" in found.left_out
    assert found.unbalance["s1"] == 18
