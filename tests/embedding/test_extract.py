"""The vectors of a data set's images: in the order of its table, by any embedder or function, and back from a file."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from closerlook.dataset import Dataset
from closerlook.embedding import Features, extract
from closerlook.embedding.features import ENDINGS
from closerlook.errors import CloserlookError, UsageError

from .conftest import Mean


class Parallel(Mean):
    parallel = True


@pytest.mark.parametrize("name", [f"features{ending}" for ending in ENDINGS])
def test_features_come_back_in_the_tables_order(
    data: Dataset, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closerlook.embedding.passes.MAX_BATCH", {"cpu": 2})
    features = extract(Mean(), data)
    assert features.features[:, 0].tolist() == pytest.approx([120, 40, 160, 0, 80], abs=2)
    path = tmp_path / "out" / name
    features.save(path, data)
    if path.suffix == ".parquet":
        assert pl.read_parquet(path)["file_name"].to_list() == data.table["file_name"].to_list()
    found = Features.load(path)
    assert np.array_equal(found.features, features.features)
    assert found.identities.tolist() == [1, 1, 2, -1, 2]
    assert found.cameras.tolist() == [0, 1, 0, 1, -1]


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


def test_several_threads_give_the_same_features_as_one(data: Dataset) -> None:
    assert extract(Parallel(), data).features.tolist() == extract(Mean(), data).features.tolist()
