from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.dataset import Dataset
from closerlook.dataset.binning import as_levels, binned
from closerlook.errors import CloserlookError, UsageError
from closerlook.selection import Plan


def dataset(**columns: object) -> Dataset:
    length = len(next(iter(columns.values())))  # type: ignore[arg-type]
    table = pl.DataFrame({"file_name": [f"{row}.png" for row in range(length)], **columns})
    return Dataset.from_table(Path(), table, "made", ())


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6).map(lambda x: float(f"{x:.6g}")), min_size=8, max_size=60, unique=True),
    count=st.integers(2, 5),
)
def test_every_value_is_in_the_one_bin_whose_edges_hold_it(values: list[float], count: int) -> None:
    try:
        data = binned(dataset(height=values), {"height": count})
    except CloserlookError:
        return  # to three digits all alike
    factor = data.factor("height")
    assert 2 <= len(factor) <= count
    for value, level in zip(values, data.table["height"], strict=True):
        low, high = str(level).split("..")
        assert (not low or float(low) <= value) and (not high or value < float(high))


def test_bins_hold_equal_numbers_of_images() -> None:
    data = binned(dataset(height=np.random.default_rng(0).normal(size=400)), {"height": 4})
    counts = data.table["height"].value_counts()["count"]
    assert counts.max() - counts.min() <= 8


def test_missing_values_stay_missing() -> None:
    data = binned(dataset(height=[1.0, 2.0, None, float("nan"), 3.0, 4.0]), {"height": 2})
    assert data.table["height"].to_list() == ["..2.5", "..2.5", None, None, "2.5..", "2.5.."]


def test_a_plan_of_bins_chooses_from_the_numbers_themselves() -> None:
    table = pl.DataFrame({"height": [1.0, 2.5, 2.4999, None, 9.0], "weather": ["sunny"] * 5})
    assert Plan(values={"height": ("2.5..",)}, images=1, share=0.5).rows(table).tolist() == [1, 4]
    assert Plan(values={"height": ("..2.5",), "weather": ("sunny",)}, images=1, share=0.5).rows(table).tolist() == [
        0,
        2,
    ]
    assert as_levels(table["weather"], ["sunny"]).to_list() == ["sunny"] * 5
    assert as_levels(pl.Series([1.5, 2.0]), [1.5, 2.0]).to_list() == ["1.5", "2.0"]


def test_what_cannot_be_binned_is_explained() -> None:
    data = dataset(height=[1.0, 1.0, 1.0], weather=["a", "b", "c"])
    with pytest.raises(CloserlookError, match="too few different"):
        binned(data, {"height": 3})
    with pytest.raises(CloserlookError, match="no numbers"):
        binned(data, {"weather": 2})
    with pytest.raises(UsageError, match="Did you mean 'height'"):
        binned(data, {"heigth": 2})
    with pytest.raises(UsageError, match="at least 2 bins"):
        binned(data, {"height": 1})
