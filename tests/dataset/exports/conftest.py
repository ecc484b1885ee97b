"""A rendered-like data set with boxes, key points, masks and a column of every kind."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

from closerlook.attributes import ILLUMINATIONS, WEATHERS, Factor
from closerlook.dataset import Dataset
from dataset.drawing import write

SIZE = (16, 8)  # height, width


@pytest.fixture(autouse=True)
def offline(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("CLOSERLOOK_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def rendered(tmp_path):
    root, rows, rng = tmp_path / "rendered", [], np.random.default_rng(0)
    for identity in (1, 2, 3):
        for viewpoint, weather in ((90, "sunny"), (350, "blizzard")):
            name = f"images/{identity:04d}/{identity:04d}_{viewpoint}.{'png' if identity == 3 else 'jpg'}"
            write(root / name, seed=10 * identity + viewpoint)
            mask = np.zeros(SIZE, np.uint8)
            mask[3:12, 2:6] = 255
            mask[3, 2] = 0
            (root / "annotations/mask" / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save((root / "annotations/mask" / name).with_suffix(".png"))
            points = np.stack([rng.uniform(0, 8, 17), rng.uniform(0, 16, 17), rng.integers(0, 3, 17)], axis=1)
            unseen = identity == 2 and viewpoint == 90
            box = (0.0, 0.0, 0.0, 0.0) if unseen else (2.0, 3.0, 6.0, 12.0)
            rows.append(
                {
                    "file_name": name,
                    "identity": identity,
                    "camera": 1 if viewpoint == 90 else 27,
                    "split": {1: "train", 2: "query", 3: "gallery"}[identity],
                    "viewpoint": viewpoint,
                    "weather": weather,
                    "illumination": "noon",
                    "backdrop": "ab"[identity % 2],
                    **dict(zip(("box_left", "box_top", "box_right", "box_bottom"), box, strict=True)),
                    "keypoints": points.ravel().astype(np.float32).tolist(),
                    "noise": float("nan") if identity == 1 else None,
                    "umbrella": identity == 2,
                    "unknown": None,
                }
            )
    table = pl.DataFrame(rows, schema_overrides={"noise": pl.Float32, "keypoints": pl.List(pl.Float32)})
    factors = (
        Factor("viewpoint", (90, 350)),
        Factor("weather", WEATHERS),
        Factor("illumination", ILLUMINATIONS),
    )
    data = Dataset.from_table(root, table, "rendered", factors)
    data.save()
    return data
