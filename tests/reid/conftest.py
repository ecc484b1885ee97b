from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import simplejpeg

from closerlook.dataset import Dataset


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSERLOOK_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Six people, eight images each from two cameras: a two-colored figure whose colors are the person's own."""
    root = tmp_path_factory.mktemp("people")
    (root / "images").mkdir()
    rows = []
    for identity in range(1, 7):
        colors = np.random.default_rng(identity).integers(30, 225, (2, 3))
        for index in range(8):
            rng = np.random.default_rng(100 * identity + index)
            image = rng.integers(90, 160, (64, 32, 3))
            left = rng.integers(6, 12)
            image[8:36, left : left + 14] = colors[0] + rng.integers(-20, 20, 3)
            image[36:60, left : left + 14] = colors[1] + rng.integers(-20, 20, 3)
            name = f"images/{identity}_{index}.jpg"
            encoded = simplejpeg.encode_jpeg(image.clip(0, 255).astype(np.uint8))
            (root / name).write_bytes(encoded)
            rows.append({"file_name": name, "identity": 10 * identity, "camera": index % 2, "split": "train"})
    return Dataset.from_table(root, pl.DataFrame(rows), "people")
