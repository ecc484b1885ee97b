import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from closerlook.dataset import Dataset
from metrics.crowd import Color, dressed, features


@pytest.fixture
def pair():
    return features(40, 1), features(150, 2, low=-1)


@pytest.fixture(scope="session")
def wardrobe(tmp_path_factory):
    """Six drawn people by three cameras, the first camera's images being the queries."""
    root, rows = tmp_path_factory.mktemp("wardrobe"), []
    colors = np.random.default_rng(5).integers(20, 236, (6, 2, 3))
    for person, (top, bottom) in enumerate(colors, start=1):
        for camera in (1, 2, 3):
            name = f"{person:04d}_{camera}.png"
            Image.fromarray(dressed(10 * person + camera, top, bottom)).save(root / name)
            rows.append((name, person, camera, "query" if camera == 1 else "gallery", "ab"[person % 2]))
    schema = ["file_name", "identity", "camera", "split", "weather"]
    data = Dataset.from_table(root, pl.DataFrame(rows, schema=schema, orient="row"), "wardrobe")
    data.save()
    return data


@pytest.fixture
def color():
    torch.set_num_threads(1)
    return Color()
