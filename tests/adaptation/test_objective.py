"""The distance of a rendered set is the gap's: against all pairs of vectors, and an analysis of the same images."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from closerlook.adaptation.objective import Objective
from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.embedding import open_embedding
from closerlook.errors import CloserlookError
from closerlook.gap import analyze

SIZE = (8, 4)
TARGET, PEOPLE, VIEWS = 32, 6, 4


def by_pixel(images: torch.Tensor) -> torch.Tensor:
    return images.double().flatten(1) / 255


def noise(seed: int, number: int, brightness: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (brightness + 40 * rng.random((number, *SIZE, 3))).astype(np.uint8)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return _saved(tmp_path_factory.mktemp("target"), noise(0, TARGET, 100), {})


def _saved(root: Path, images: np.ndarray, columns: dict[str, Any], factors: tuple[Factor, ...] = ()) -> Dataset:
    names = [f"{number}.png" for number in range(len(images))]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(root / name)
    return Dataset.from_table(root, pl.DataFrame({"file_name": names, **columns}), root.name, factors)


def test_the_distance_is_that_of_all_pairs(target: Dataset) -> None:
    objective = Objective(target, open_embedding(by_pixel, SIZE))
    images, people = noise(1, PEOPLE * VIEWS, 120), np.repeat(np.arange(PEOPLE), VIEWS)
    distance = objective.measure(images, people)
    x = images.reshape(len(images), -1) / 255
    y = noise(0, TARGET, 100).reshape(TARGET, -1) / 255
    run = np.arange(TARGET) // 2
    unit = ((y[:, None] - y) ** 2).sum(axis=2)[run[:, None] != run].mean()
    centerd = x - y.mean(axis=0)
    unbiased = (centerd @ centerd.T)[people[:, None] != people].mean()
    runs = np.stack([y[run == number].mean(axis=0) for number in range(16)]) - y.mean(axis=0)
    bias = (runs**2).sum() / 16 / 15  # the variance of the mean of 16 independent runs
    assert distance.mmd2 == pytest.approx((unbiased - bias) / unit, rel=1e-6)
    means = np.stack([centerd[people == person].mean(axis=0) for person in range(PEOPLE)])
    np.testing.assert_allclose(distance.group_products, means @ means.T / unit, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(distance.target_products, means @ runs.T / unit, rtol=1e-6, atol=1e-7)


def test_an_analysis_of_the_same_images_gives_the_same_distance(target: Dataset, tmp_path: Path) -> None:
    images, people = noise(2, PEOPLE * VIEWS, 120), np.repeat(np.arange(PEOPLE), VIEWS)
    columns = {"identity": people, "side": np.tile(np.arange(VIEWS) % 2, PEOPLE)}
    source = _saved(tmp_path, images, columns, (Factor("side", (0, 1)),))
    gap = analyze(source, target, embedding=by_pixel, size=SIZE)
    distance = Objective(target, open_embedding(by_pixel, SIZE)).measure(images, people)
    assert distance.mmd2 == pytest.approx(gap.score({})["mmd2"], abs=1e-6)


def test_what_cannot_be_measured_is_explained(target: Dataset) -> None:
    embedder = open_embedding(by_pixel, SIZE)
    with pytest.raises(CloserlookError, match="At least two people"):
        Objective(target, embedder).measure(noise(1, 2, 100), np.zeros(2, int))
    with pytest.raises(CloserlookError, match="more than one view"):
        Objective(target.take([0, 0, 0]), embedder)
    with pytest.raises(CloserlookError, match="at least 2"):
        Objective(target.take([0]), embedder)
