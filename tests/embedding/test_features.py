from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings, strategies as st

from closerlook.embedding import Features
from closerlook.embedding.features import ENDINGS
from closerlook.errors import CloserlookError, UsageError
from closerlook.storage.tensors import write_arrays


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


FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@pytest.mark.parametrize("kind", FLOATS, ids=str)
def test_features_of_any_float_type_are_read(tmp_path: Path, kind: torch.dtype) -> None:
    vectors, labels = torch.tensor([[1.5, -2.25], [0.5, 4.0]], dtype=kind), torch.tensor([3, -1])
    write_arrays(tmp_path / "a.safetensors", {"features": vectors, "identities": labels})
    files = ["a.safetensors"]
    if kind != torch.bfloat16:  # which NumPy has not
        np.savez(tmp_path / "a.npz", features=vectors.numpy(), identities=labels.numpy())
        np.save(tmp_path / "a.npy", vectors.numpy())
        np.save(tmp_path / "a.identities.npy", labels.numpy())
        column = pl.Series("feature", vectors.numpy().astype(np.float64).tolist(), dtype=pl.List(pl.Float64))
        narrow = {torch.float32: pl.Float32, torch.float16: pl.Float32}.get(kind, pl.Float64)
        table = pl.DataFrame({"feature": column.cast(pl.List(narrow)), "identity": labels.numpy()})
        table.write_parquet(tmp_path / "a.parquet")
        files += ["a.npz", "a.npy", "a.parquet"]
    for name in files:
        found = Features.load(tmp_path / name)
        assert found.features.tolist() == [[1.5, -2.25], [0.5, 4.0]]
        assert found.features.dtype == (np.float64 if kind == torch.float64 else np.float32)
        assert (found.identities.tolist(), found.cameras.tolist()) == ([3, -1], [-1, -1])


@pytest.mark.parametrize("ending", ENDINGS)
@given(data=st.binary(max_size=300))
@settings(max_examples=40, deadline=None)
def test_a_file_of_anything_is_one_message(tmp_path_factory: pytest.TempPathFactory, ending: str, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / f"f{ending}"
    for prefix in (b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"PAR1"):
        path.write_bytes(prefix + data)
        with pytest.raises(CloserlookError, match=path.name) as caught:
            Features.load(path)
        assert "\n" not in str(caught.value)


def test_files_cut_short_and_objects_are_refused(tmp_path: Path) -> None:
    Features.from_arrays(np.eye(3), [1, 2, 3]).save(tmp_path / "f.npz")
    whole = (tmp_path / "f.npz").read_bytes()
    (tmp_path / "f.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CloserlookError, match=r"f\.npz is no file of features"):
        Features.load(tmp_path / "f.npz")
    np.save(tmp_path / "f.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(CloserlookError, match=r"f\.npy is no file of features"):
        Features.load(tmp_path / "f.npy")
    np.save(tmp_path / "f.npy", np.eye(2))
    with pytest.raises(CloserlookError, match=r"no features file .*f\.identities\.npy"):
        Features.load(tmp_path / "f.npy")
    with pytest.raises(UsageError, match=r"Unknown ending of a features file '\.csv'"):
        Features.from_arrays(np.eye(2), [1, 2]).save(tmp_path / "f.csv")
