import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.labels.tables import read_columns, read_scalars, read_terms, separator_of
from study.core.errors import InputFaults


def write(folder, text, name="labels.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(read, path):
    with pytest.raises(InputFaults) as caught:
        read(path)
    assert all(fault.file == str(path) for fault in caught.value.faults)
    return caught.value.faults


def test_scalars_by_track(tmp_path):
    table = read_scalars(write(tmp_path, "track_id,value,artist\n007,120.5,x\nb,99,y\n"))
    assert table.track_ids == ("007", "b")
    np.testing.assert_array_equal(table.values, [120.5, 99])
    np.testing.assert_array_equal(table.select(["b", "007"]).values, [99, 120.5])
    assert table.select(["b"]).track_ids == ("b",)


def test_terms_by_track(tmp_path):
    text = 'track_id,term,weight\na,rock,2\nb,"new wave, 80s",1\na,rock,3\nb,NA,0.5\nc,junk,0\n'
    table = read_terms(write(tmp_path, text))
    assert table.track_ids == ("a", "b")  # c has no weight at all
    bags = pd.DataFrame(table.weights.toarray(), table.track_ids, table.terms)
    assert bags.loc["a", "rock"] == 5 and bags.loc["b", "new wave, 80s"] == 1 and bags.loc["b", "NA"] == 0.5
    assert bags.to_numpy().sum() == 6.5
    np.testing.assert_array_equal(table.select(["b", "a"]).weights.toarray(), table.weights.toarray()[::-1])


def test_terms_without_weights_count_one_each(tmp_path):
    table = read_terms(write(tmp_path, "track_id,term\na,x\na,x\na,y\n"))
    assert dict(zip(table.terms, table.weights.toarray()[0], strict=True)) == {"x": 2, "y": 1}


def test_parquet_reads_as_csv_does(tmp_path):
    frame = pd.DataFrame({"track_id": [3, 1, 3], "term": ["x", "y", "null"], "weight": [1, 2.5, 4]})
    frame.to_parquet(tmp_path / "labels.parquet")
    frame.to_csv(tmp_path / "labels.csv", index=False)
    ours, theirs = read_terms(tmp_path / "labels.parquet"), read_terms(tmp_path / "labels.csv")
    assert ours.track_ids == theirs.track_ids == ("3", "1")
    assert ours.terms == theirs.terms
    np.testing.assert_array_equal(ours.weights.toarray(), theirs.weights.toarray())


TERM = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.tuples(st.sampled_from("abcde"), TERM), st.floats(0.001, 1e6), min_size=1))
def test_no_weight_is_lost(tmp_path_factory, weights):
    path = tmp_path_factory.mktemp("tables") / "terms.csv"
    rows = [(track, term, weight) for (track, term), weight in weights.items()]
    pd.DataFrame(rows, columns=["track_id", "term", "weight"]).to_csv(path, index=False)
    table = read_terms(path)
    found = {
        (track, term): table.weights[row, column]
        for row, track in enumerate(table.track_ids)
        for column, term in enumerate(table.terms)
        if table.weights[row, column]
    }
    assert found == weights


def test_all_faults_of_scalars_at_once(tmp_path):
    path = write(tmp_path, "track_id,value\na,120\nb,fast\na,90\nc,\nd,nan\ne,inf\n,3\n")
    found = {(fault.key, fault.value) for fault in faults_of(read_scalars, path)}
    assert found == {
        ("row 2 value", "fast"), ("row 4 value", ""), ("row 5 value", "nan"), ("row 6 value", "inf"),
        ("row 3 track_id", "a"), ("row 7 track_id", ""),
    }  # fmt: skip


def test_all_faults_of_terms_at_once(tmp_path):
    path = write(tmp_path, "track_id,term,weight\na,x,-1\nb,,1\n,y,much\n")
    found = {(fault.key, fault.value) for fault in faults_of(read_terms, path)}
    assert found == {("row 1 weight", "-1"), ("row 2 term", ""), ("row 3 track_id", ""), ("row 3 weight", "much")}


def test_many_faulty_rows_are_printed_in_part(tmp_path):
    path = write(tmp_path, "track_id,value\n" + "".join(f"t{row},?\n" for row in range(1000)))
    faults = faults_of(read_scalars, path)
    assert [fault.key for fault in faults] == [f"row {row} value" for row in range(1, 1001)]
    lines = str(InputFaults(faults)).splitlines()
    assert len(lines) == 6
    assert lines[-1] == f"995 more: rows of {path}: value: expected a finite number"


def test_missing_columns_are_named_with_the_nearest(tmp_path):
    faults = faults_of(read_terms, write(tmp_path, "track,tag,weights\na,b,1\n"))
    assert [(fault.key, fault.nearest) for fault in faults] == [("track_id", "track"), ("term", None)]


def test_timestamps_and_missing_values_of_parquet_are_no_numbers(tmp_path):
    path = tmp_path / "year.parquet"
    pd.DataFrame({"track_id": ["a", "b"], "value": pd.to_datetime(["2001-01-01", None])}).to_parquet(path)
    assert [fault.key for fault in faults_of(read_scalars, path)] == ["row 1 value", "row 2 value"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("labels.csv", b"", "cannot be read as csv"),
        ("labels.csv", b"track_id,value\n", "the table has no rows"),
        ("labels.csv", b"track_id,value\na,1,2\n", "cannot be read as csv"),
        ("labels.csv", b"track_id,value\n\xff\xfe,1\n", "cannot be read as csv"),
        ("labels.csv", b"track_id,value,value\na,1,2\n", "expected this column only once"),
        ("labels.parquet", b"track_id,value\na,1\n", "cannot be read as parquet"),
        ("labels.xlsx", b"?", "expected a file that ends in .csv or .parquet"),
        ("labels.csv", None, "no such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_fault(tmp_path, name, content, expected):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    (fault,) = faults_of(read_scalars, path)
    assert fault.expected.startswith(expected)


def test_terms_without_any_weight_are_a_fault(tmp_path):
    (fault,) = faults_of(read_terms, write(tmp_path, "track_id,term,weight\na,x,0\n"))
    assert fault.expected == "expected at least one weight above 0"


def test_columns_that_nobody_asked_for_are_not_read(tmp_path):
    table = read_columns(write(tmp_path, "path,track_id,notes\nx,1,\n"), ("track_id",), ("label",))
    assert list(table.columns) == ["track_id"]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_another_separator_is_taken_where_it_is_the_only_one(tmp_path, separator):
    text = f'\ufefftrack_id{separator}term{separator}weight\na{separator}"rock, hard; loud"{separator}2\n'
    path = write(tmp_path, text)
    table = read_terms(path)
    assert separator_of(path) == separator
    assert table.track_ids == ("a",) and table.terms == ("rock, hard; loud",)


def test_a_separator_in_doubt_is_a_comma(tmp_path):
    path = write(tmp_path, "track_id;a,value\n1;2,3\n")
    assert separator_of(path) == ","
    assert any("the file has track_id;a, value" in str(fault) for fault in faults_of(read_scalars, path))
    assert separator_of(write(tmp_path, '"a;b",value\n1,2\n')) == ","
