"""A small source and target on disk: noise whose brightness depends on its attributes and its person."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from closerlook.attributes import Factor
from closerlook.dataset import Dataset

WEATHER = Factor("weather", ("sunny", "foggy", "night"))
VIEWPOINT = Factor("viewpoint", (0, 180))
SIZE = (32, 32)


def write_image(path: Path, rng: np.random.Generator, brightness: float, contrast: float) -> None:
    pixels = brightness + contrast * rng.normal(size=(*SIZE, 3)).cumsum(axis=0) / 3
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


def write_source(root: Path, people: int = 6) -> Dataset:
    rng = np.random.default_rng(1)
    rows = []
    for person in range(people):
        for index, weather in enumerate(WEATHER.levels):
            for viewpoint in VIEWPOINT.levels:
                name = f"{person}_{weather}_{viewpoint}.png"
                write_image(root / name, rng, 100 + 30 * index + 4 * person, 25 + 3 * viewpoint / 180)
                rows.append({"file_name": name, "identity": person, "weather": weather, "viewpoint": viewpoint})
    return Dataset.from_table(root, pl.DataFrame(rows), "source", (WEATHER, VIEWPOINT))


def write_target(root: Path, images: int = 32) -> Dataset:
    rng = np.random.default_rng(2)
    names = [f"t{number}.png" for number in range(images)]
    for number, name in enumerate(names):
        write_image(root / name, rng, 105 + 3 * (number % 7), 25)
    return Dataset.from_table(root, pl.DataFrame({"file_name": names}), "target", ())


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_target(tmp_path_factory.mktemp("target"))
