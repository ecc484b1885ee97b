import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings, strategies as st

from closerlook.dataset import Dataset
from closerlook.dataset.columns import numbered
from closerlook.errors import CloserlookError


def dataset(**columns):
    count = len(next(iter(columns.values())))
    names = {} if "file_name" in columns else {"file_name": [f"{row}.png" for row in range(count)]}
    return Dataset.from_table(Path(), pl.DataFrame({**names, **columns}), "made")


CATEGORIES = [pl.String, pl.Categorical, pl.Enum(["a.png", "b.png", "p1", "p2", "train", "query", "1", "2", "f", "s"])]


@pytest.mark.parametrize("dtype", CATEGORIES, ids=str)
def test_categories_are_text_in_every_column(dtype):
    data = dataset(
        file_name=pl.Series(["a.png", "b.png"], dtype=dtype),
        identity=pl.Series(["p2", "p1"], dtype=dtype),
        camera=pl.Series(["1", "2"], dtype=dtype),
        split=pl.Series(["train", "query"], dtype=dtype),
        weather=pl.Series(["f", "s"], dtype=dtype),
    )
    assert data.identities.tolist() == [2, 1]
    assert data.table["identity_label"].to_list() == ["p2", "p1"]
    assert data.cameras.tolist() == [1, 2]
    assert len(data.query) == 1
    assert [(factor.name, factor.levels) for factor in data.factors] == [("weather", ("f", "s"))]
    assert set(data.table.dtypes) <= {pl.String, pl.Int64}


@pytest.mark.parametrize(
    ("values", "numbers", "named"),
    [
        ([3, None], [3, None], False),
        ([3.0, float("nan")], [3, None], False),
        (["0003", " 10 "], [3, 10], False),
        (["3.0", ""], [3, None], False),
        (["-1", "0"], [-1, 0], False),
        (["b", "a", "b", None], [2, 1, 2, None], True),
        (["7", "gate"], [1, 2], True),
        ([2**63, 1], [2, 1], True),
        ([str(2**63), str(2**63 + 1)], [1, 2], True),
        (pl.Series([2**63, 5], dtype=pl.UInt64), [2, 1], True),
        (pl.Series([2, 5], dtype=pl.UInt64), [2, 5], False),
        (pl.Series([2, 5], dtype=pl.Int8), [2, 5], False),
        ([Decimal("2"), Decimal("3")], [2, 3], False),
        (pl.Series([None, None], dtype=pl.Null), [None, None], False),
    ],
    ids=str,
)
@pytest.mark.parametrize("column", ["identity", "camera"])
def test_people_and_cameras_are_numbers_or_named(values, numbers, named, column):
    table = dataset(**{column: values}).table
    assert table[column].dtype == pl.Int64
    assert table[column].to_list() == numbers
    assert (f"{column}_label" in table.columns) == named


@pytest.mark.parametrize(
    "values",
    [[1.5], [float("inf")], ["1.5"], ["inf"], [[1]], [{"a": 1}], [True], [datetime.date(2020, 1, 1)], [b"x"], [1e30]],
    ids=str,
)
@pytest.mark.parametrize("column", ["identity", "camera"])
def test_what_is_neither_a_number_nor_a_name_is_refused(values, column):
    with pytest.raises(CloserlookError, match=f"'{column}' must hold whole numbers or names"):
        dataset(**{column: values})


@given(
    st.lists(
        st.none() | st.text(st.characters(codec="utf-8"), max_size=6) | st.integers().map(str), min_size=1, max_size=8
    )
)
@example(["9007199254740993"])
@settings(max_examples=300, deadline=None)
def test_no_two_names_become_one_person_and_no_name_is_lost(values):
    try:
        found = numbered(pl.DataFrame({"identity": pl.Series(values, dtype=pl.String)}), "made")
    except CloserlookError:
        assert all(value is None or not value.strip() or float(value) is not None for value in values)  # all fractions
        return
    if "identity_label" in found.columns:
        pairs = found.select("identity", "identity_label").drop_nulls().unique()
        assert pairs["identity"].n_unique() == pairs["identity_label"].n_unique() == len(pairs)
        assert pairs["identity"].min() == 1
    else:
        for value, number in zip(values, found["identity"], strict=True):
            assert number is None or number == Decimal(value)  # a float has no 2^53 + 1


def test_labels_are_no_factors_when_a_table_is_read_again():
    again = dataset(identity=[1, 2], identity_label=["zoe", "adam"], weather=["f", "s"])
    assert [factor.name for factor in again.factors] == ["weather"]


@pytest.mark.parametrize("names", [["a.jpg", "./a.jpg"], ["b/a.jpg", "b//a.jpg"], ["b/a.jpg", "b/./a.jpg"]])
def test_a_file_named_by_two_spellings_is_named_twice(names):
    with pytest.raises(CloserlookError, match="named twice"):
        dataset(file_name=names)
    assert dataset(file_name=names[1:]).table["file_name"].to_list() == names[:1]


@pytest.mark.parametrize("name", ["", ".", "./", "a\0b", None])
def test_a_name_that_is_no_path_is_refused(name):
    with pytest.raises(CloserlookError, match="must hold a path"):
        dataset(file_name=[name, "b.png"])


@pytest.mark.parametrize("values", [[1, 2], [["train"], ["train"]], [None, None]])
def test_a_split_that_is_no_text_is_refused(values):
    with pytest.raises(CloserlookError, match="split"):
        dataset(split=values)
