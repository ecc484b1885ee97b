from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import simplejpeg
import torch

from closerlook.dataset import Dataset
from closerlook.embedding import Features, extract
from closerlook.errors import CloserlookError


class Mean:
    """The mean colour of an image."""

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
    return Dataset.from_table(tmp_path, table, "greys", ())


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
