"""Batches of a data set as a recipe draws and augments them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from closerlook.dataset import Dataset
from closerlook.dataset.dataset import SAMPLING_WEIGHT
from closerlook.dataset.images import image_array
from closerlook.dataset.threads import map_in_threads
from closerlook.errors import CloserlookError, unknown
from closerlook.randomness import keyed_rng
from closerlook.reid.augmentation import augment
from closerlook.reid.recipe import Recipe
from closerlook.reid.sampling import CameraSampler, PKSampler, RandomSampler, Sampler

__all__ = ["Batch", "Batches"]

Batch = tuple[torch.Tensor, torch.Tensor]  # augmented images (b, h, w, 3) in 0..255 and labels (b,)


@dataclass(frozen=True)
class Batches:
    """The batches of a run; each is a pure function of the seed and its number.

    Attributes:
        images: (m, h, w, 3), decoded.
        place: (n,) where each image of ``data`` is among ``images``.
        labels: (n,) class of each image of ``data``.
    """

    data: Dataset
    images: NDArray[np.uint8] = field(repr=False)
    place: NDArray[np.int64] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    sampler: Sampler
    recipe: Recipe
    seed: int

    @classmethod
    def from_dataset(cls, data: Dataset, recipe: Recipe, seed: int) -> Batches:
        """The batches of a recipe on ``data``, whose images are decoded unless the cache has them.

        Raises:
            UsageError: ``recipe.balance_by`` is no column.
            CloserlookError: images without identity, too few identities or cameras, or sampling weights that are none.
        """
        _, labels = np.unique(data.identities, return_inverse=True)
        sampler = _sampler(data, labels, recipe, seed)
        place = np.arange(len(data))
        batches = recipe.steps * recipe.accumulate
        if batches * recipe.batch_size < len(data):  # a short run on many images decodes only those that it will draw
            drawn = np.unique([sampler.batch(number) for number in range(batches)])
            place[drawn] = np.arange(len(drawn))
            images = image_array(data.take(drawn), recipe.size)
        else:
            images = image_array(data, recipe.size)
        return cls(data, images, place, labels, sampler, recipe, seed)

    def stream(
        self, numbers: Iterable[int], device: torch.device, *, process: int = 0, processes: int = 1
    ) -> Iterator[Batch]:
        """The batches of these numbers, or of each the part that is this process's, augmented on ``device``.

        A thread reads ahead, so that a GPU never waits for memory.
        """
        size = self.recipe.batch_size // processes
        start = process * size

        def read(number: int) -> tuple[int, torch.Tensor, torch.Tensor]:
            rows = self.sampler.batch(number)[start : start + size]
            images, labels = torch.from_numpy(self.images[self.place[rows]]), torch.from_numpy(self.labels[rows])
            return number, *((images.pin_memory(), labels.pin_memory()) if device.type == "cuda" else (images, labels))

        for number, images, labels in map_in_threads(read, numbers, 1):
            rng = keyed_rng(self.seed, "augment", number)
            here = images.to(device, non_blocking=True)
            augmented = augment(here, self.recipe, rng, count=self.recipe.batch_size, start=start)
            yield augmented, labels.to(device, non_blocking=True)

    def file_names(self, number: int) -> list[str]:
        """The images of a batch."""
        names: list[str] = self.data.table["file_name"].gather(self.sampler.batch(number)).to_list()
        return names


def _sampler(data: Dataset, labels: NDArray[np.int64], recipe: Recipe, seed: int) -> Sampler:
    weights = _weights(data)
    if recipe.sampling == "random":
        return RandomSampler(len(labels), recipe.batch_size, seed, weights)
    if recipe.sampling == "camera":
        sizes = recipe.cameras_per_batch, recipe.identities_per_batch, recipe.images_per_identity
        return CameraSampler(labels, data.cameras, *sizes, seed, weights)
    groups = None
    if recipe.balance_by is not None:
        if recipe.balance_by not in data.table.columns:
            raise unknown(f"column of {data.name}", recipe.balance_by, data.table.columns)
        groups = data.table[recipe.balance_by].rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return PKSampler(labels, recipe.identities_per_batch, recipe.images_per_identity, seed, groups, weights)


def _weights(data: Dataset) -> NDArray[np.float64] | None:
    """How often each image is to be drawn, where the table says."""
    if SAMPLING_WEIGHT not in data.table.columns:
        return None
    column = data.table[SAMPLING_WEIGHT]
    values = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        file = data.table["file_name"][int(np.argmax(wrong))]
        raise CloserlookError(
            f"{data.name}: column '{SAMPLING_WEIGHT}' must hold a number above 0 for every image, and has "
            f"'{column[int(np.argmax(wrong))]}' for {file}. Leave out images that are not to be drawn."
        )
    return values
