import polars as pl
import pytest

from closerlook.dataset import Dataset

from .drawing import write


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("CLOSERLOOK_CACHE", str(folder))
    return folder


@pytest.fixture
def people(tmp_path):
    """Two people, two cameras, two weathers; both splits of a test set and a training one."""
    root, rows = tmp_path / "people", []
    splits = {1: "train", 2: "query", 3: "gallery"}
    for identity, split in ((1, 1), (2, 1), (3, 2), (3, 3), (4, 2), (4, 3)):
        for camera, weather in ((1, "foggy"), (2, "sunny")):
            name = f"images/{identity:04d}_{split}_{camera}.png"
            write(root / name, seed=100 * identity + 10 * split + camera)
            rows.append((name, identity, camera, splits[split], weather))
    table = pl.DataFrame(rows, schema=["file_name", "identity", "camera", "split", "weather"], orient="row")
    data = Dataset.from_table(root, table, "people")
    data.save()
    return data
