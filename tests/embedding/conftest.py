"""A small embedder, and five gray images, not in the order of their names."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import simplejpeg
import torch

from closerlook.dataset import Dataset
from closerlook.embedding import Embedder


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
