from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from closerlook.embedding import Features
from closerlook.errors import CloserlookError, UsageError


def test_tables_that_others_wrote(tmp_path: Path) -> None:
    table = pl.DataFrame({"feature": [[1.0, 2.0], [3.0, 4.0]], "identity": [1, 2]})
    table.with_columns(pl.col("feature").cast(pl.Array(pl.Float64, 2))).write_parquet(tmp_path / "f.parquet")
    found = Features.load(tmp_path / "f.parquet")
    assert (found.features.tolist(), found.cameras.tolist()) == ([[1, 2], [3, 4]], [-1, -1])
    table.write_parquet(tmp_path / "list.parquet")
    assert Features.load(tmp_path / "list.parquet").features.tolist() == [[1, 2], [3, 4]]


def test_what_is_no_table_of_features(tmp_path: Path) -> None:
    with pytest.raises(CloserlookError, match=r"no table .*f\.parquet"):
        Features.load(tmp_path / "f.parquet")
    (tmp_path / "f.parquet").write_bytes(b"junk")
    with pytest.raises(CloserlookError, match=r"f\.parquet cannot be read as a table.*extract again"):
        Features.load(tmp_path / "f.parquet")
    pl.DataFrame({"feature": [[1.0], [1.0, 2.0]], "identity": [1, 2]}).write_parquet(tmp_path / "f.parquet")
    with pytest.raises(CloserlookError, match="one length"):
        Features.load(tmp_path / "f.parquet")
    pl.DataFrame({"identity": [1, 2]}).write_parquet(tmp_path / "f.parquet")
    with pytest.raises(CloserlookError, match="lacks the tensor 'features'"):
        Features.load(tmp_path / "f.parquet")


def test_features_are_made_from_any_arrays() -> None:
    assert repr(Features.from_arrays([[1, 2, 3]], [4])) == "Features(1 vectors of 3 numbers)"
    made = Features.from_arrays(torch.eye(2, dtype=torch.float16), torch.tensor([3, 4]), [1, 2])
    assert (made.features.dtype, made.identities.dtype) == (np.float32, np.int64)
    assert Features.from_arrays(np.eye(2), [1, 2]).features.dtype == np.float64
    assert Features.from_arrays([[1, 2]], [1]).cameras.tolist() == [-1]


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        (([1.0, 2.0], [1, 2]), r"must be \(n, d\)"),
        ((np.eye(2), [1]), r"they are \(2, 2\), \(1,\)"),
        ((np.eye(2), [1, 2], [1]), r"and \(1,\)"),
        ((np.eye(2), ["ann", "bob"]), "names are numbered by np.unique"),
        ((np.eye(2), [0.5, 1]), "Identities must be whole numbers, not float64"),
        ((np.eye(2), [1, 2], [0.0, 1]), "Cameras must be whole numbers"),
        (([["a"]], [1]), "must be numbers"),
        (([[1.0], [1.0, 2.0]], [1, 2]), "This is no array"),
    ],
)
def test_arrays_that_do_not_fit_are_explained(arrays: tuple[object, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Features.from_arrays(*arrays)  # type: ignore[arg-type]
