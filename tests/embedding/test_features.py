from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import simplejpeg
import torch

from closerlook.dataset import Dataset
from closerlook.embedding import Embedder, Features, extract
from closerlook.errors import CloserlookError, UsageError


class Mean(Embedder):
    """The mean color of an image."""

    name, size, dim = "mean", (8, 4), 3

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return images.float().mean((1, 2))


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    for index in range(5):
        image = np.full((8, 4, 3), 40 * index, np.uint8)
        (tmp_path / f"{index}.jpg").write_bytes(simplejpeg.encode_jpeg(image))
    names = [f"{index}.jpg" for index in (3, 1, 4, 0, 2)]
    table = pl.DataFrame({"file_name": names, "identity": [1, 1, 2, None, 2], "camera": [0, 1, 0, 1, None]})
    return Dataset.from_table(tmp_path, table, "grays", ())


@pytest.mark.parametrize("name", ["features.safetensors", "features.parquet"])
def test_features_come_back_in_the_tables_order(
    data: Dataset, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closerlook.embedding.passes.MAX_BATCH", {"cpu": 2})
    features = extract(Mean(), data)
    assert features.features[:, 0].tolist() == pytest.approx([120, 40, 160, 0, 80], abs=2)
    path = tmp_path / "out" / name
    if path.suffix == ".parquet":
        features.save_table(path, data)
        assert pl.read_parquet(path)["file_name"].to_list() == data.table["file_name"].to_list()
    else:
        features.save(path)
    found = Features.load(path)
    assert np.array_equal(found.features, features.features)
    assert found.identities.tolist() == [1, 1, 2, -1, 2]
    assert found.cameras.tolist() == [0, 1, 0, 1, -1]


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


def test_any_function_is_an_embedder(data: Dataset) -> None:
    own = extract(Mean(), data)
    for function in (
        Mean().__call__,
        lambda images: images.float().mean((1, 2)),
        lambda images: images.numpy().mean((1, 2)),
    ):
        found = extract(function, data, size=(8, 4))
        np.testing.assert_allclose(found.features, own.features, atol=1e-4)
        assert found.identities.tolist() == own.identities.tolist()
    with pytest.raises(CloserlookError, match="must return a tensor or array"):
        extract(lambda images: images, data)
    with pytest.raises(UsageError, match="not a int"):
        extract(3, data)  # type: ignore[arg-type]


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
