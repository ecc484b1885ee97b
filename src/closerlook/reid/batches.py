"""Batches of a data set as a recipe draws and augments them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from closerlook.dataset import Dataset
from closerlook.dataset.images import image_array
from closerlook.errors import unknown
from closerlook.randomness import keyed_rng
from closerlook.reid.augmentation import augment
from closerlook.reid.recipe import Recipe
from closerlook.reid.sampling import PKSampler, RandomSampler, Sampler

__all__ = ["Batches"]


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
    def of(cls, data: Dataset, recipe: Recipe, seed: int) -> Batches:
        """The batches of a recipe on ``data``, whose images are decoded unless the cache has them.

        Raises:
            UsageError: ``recipe.spread`` is no column.
            CloserlookError: images without identity or too few identities.
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

    def batch(self, number: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Augmented images (b, h, w, 3) in 0..255 and labels (b,)."""
        rows = self.sampler.batch(number)
        images = torch.from_numpy(self.images[self.place[rows]]).to(device)
        augmented = augment(images, self.recipe, keyed_rng(self.seed, "augment", number))
        return augmented, torch.from_numpy(self.labels[rows]).to(device)

    def file_names(self, number: int) -> list[str]:
        """The images of a batch."""
        names: list[str] = self.data.table["file_name"].gather(self.sampler.batch(number)).to_list()
        return names


def _sampler(data: Dataset, labels: NDArray[np.int64], recipe: Recipe, seed: int) -> Sampler:
    if recipe.sampling == "random":
        return RandomSampler(len(labels), recipe.batch_size, seed)
    groups = None
    if recipe.spread is not None:
        if recipe.spread not in data.table.columns:
            raise unknown(f"column of {data.name}", recipe.spread, data.table.columns)
        groups = data.table[recipe.spread].rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return PKSampler(labels, recipe.identities_per_batch, recipe.images_per_identity, seed, groups)
