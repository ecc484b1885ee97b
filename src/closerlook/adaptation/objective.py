"""How far a small rendered set is from the target, and the interval of the difference between two such sets.

Only inner products of the means of groups of people and of target images are kept, so a measured set is a few hundred
numbers, and any two can be compared afterwards by a bootstrap that draws the same people and the same target images for
both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from closerlook.arrays import Float
from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.embedding import Embedder, slices_of
from closerlook.errors import CloserlookError
from closerlook.gap.losses import weigh
from closerlook.gap.measure.cells import GROUPS
from closerlook.gap.measure.moments import inner_products, mean_variance, squared_norms
from closerlook.gap.measure.products import cell_products
from closerlook.gap.measure.target import RUNS
from closerlook.gap.statistics.bootstrap import draw, small_sample_factor

__all__ = ["Distance", "Objective", "gain"]

ROUNDING = 1e-12
ALPHA, BETA = 0.9, 1.0  # of style and content, the paper's (Eq. 3)


@dataclass(frozen=True)
class Distance:
    """A set of images against the target.

    Attributes:
        mmd2: the gap, the unbiased squared distance of the means; 1.0 is the target's mean distance to itself.
        group_products: (g, g) inner products of the means of groups of people, about the target's mean.
        target_products: (g, h) the same with the means of groups of target images.
    """

    mmd2: float
    group_products: Float = field(repr=False)
    target_products: Float = field(repr=False)


class Objective:
    """The target's moments; measures sets of rendered images against them.

    Args:
        target: unlabeled training images.
        embedder: the space, content + style or any other.

    Raises:
        CloserlookError: the target has fewer than two images, or they are all alike.
    """

    def __init__(self, target: Dataset, embedder: Embedder) -> None:
        if len(target) < 2:
            raise CloserlookError(f"The target {target.name} has {len(target)} image: at least 2 are needed.")
        self._embedder, self._blocks = embedder, embedder.blocks
        self._parts = slices_of(self._blocks)
        self.size = embedder.size
        runs = min(RUNS, len(target))
        run = np.arange(len(target)) * runs // len(target)
        means, squares = self._means(iter_images(target, embedder.size), run)
        counts = np.bincount(run)
        self._mean = torch.from_numpy(counts / counts.sum()) @ means
        self._target = means - self._mean
        bias = mean_variance(counts, squared_norms(self._target, self._parts).numpy())
        length = squared_norms(self._mean[None], self._parts)[0].numpy()
        spread = squares - length + bias
        spread[spread < ROUNDING * length] = 0  # identical images leave rounding
        self._weights = weigh(self._blocks, spread, "balanced", ALPHA, BETA).total
        self._bias = float(bias @ self._weights)

    def measure(self, images: NDArray[np.uint8], people: NDArray[np.int64]) -> Distance:
        """The distance of images (n, h, w, 3) of the numbered ``people`` (n,)."""
        _, person = np.unique(people, return_inverse=True)
        if person.max() < 1:
            raise CloserlookError("At least two people are needed to measure a distance without bias.")
        group = person % min(GROUPS, int(person.max()) + 1)
        means, _ = self._means((images[start : start + 64] for start in range(0, len(images), 64)), group)
        means = means - self._mean
        counts = np.bincount(group)
        units = np.stack([np.zeros_like(counts), np.arange(len(counts))], axis=1)  # all are of one cell
        _, unbiased = cell_products(units, counts, means, self._parts, 1)
        return Distance(
            mmd2=float(self._weights @ unbiased[:, 0, 0]) - self._bias,
            group_products=self._products(means, means),
            target_products=self._products(means, self._target),
        )

    def of_each(self, images: NDArray[np.uint8]) -> Float:
        """(n,) squared distances of single images (n, h, w, 3) to the target's mean; 0.5 is the mean over the target's
        own images."""
        away = self._embedder(torch.from_numpy(images)).cpu().double() - self._mean
        return np.asarray(squared_norms(away, self._parts).numpy() @ self._weights)

    def _means(self, batches: Iterator[NDArray[np.uint8]], group: NDArray[np.int64]) -> tuple[Tensor, Float]:
        """Mean vector of each group (g, d) float64, and each block's mean squared length over all images (b,)."""
        sums = torch.zeros(int(group.max()) + 1, self._parts[-1].stop, dtype=torch.float64)
        squares, start = np.zeros(len(self._parts)), 0
        for batch in batches:
            phi = self._embedder(torch.from_numpy(batch)).cpu().double()
            if not torch.isfinite(phi).all():
                raise CloserlookError(f"Embedding '{self._embedder.name}' gives a value that is not finite.")
            sums.index_add_(0, torch.from_numpy(group[start : start + len(batch)]), phi)
            squares += squared_norms(phi, self._parts).sum(dim=0).numpy()
            start += len(batch)
        return sums / torch.from_numpy(np.bincount(group))[:, None], squares / start

    def _products(self, a: Tensor, b: Tensor) -> Float:
        return np.asarray(np.einsum("b,bmn->mn", self._weights, inner_products(a, b, self._parts).numpy()))


def gain(before: Distance, after: Distance, seed: int = 0, replicates: int = 1000) -> tuple[float, float, float]:
    """By how much ``after`` is nearer, and the 95 % interval: (gain, low, high).

    Both sets must show the same people in the same order of groups; the same groups are drawn for both.
    """
    groups, runs = before.target_products.shape
    people = draw(groups, replicates, seed, "people") / groups
    target = draw(runs, replicates, seed, "target") / runs
    factor = small_sample_factor(min(groups, runs))
    distances = [
        np.einsum("rg,gh,rh->r", people, distance.group_products, people, optimize=True)
        - 2 * np.einsum("rg,gh,rh->r", people, distance.target_products, target, optimize=True)
        for distance in (before, after)
    ]
    difference = distances[0] - distances[1]
    low, high = np.quantile(factor * (difference - difference.mean()), [0.025, 0.975])
    nearer = before.mmd2 - after.mmd2
    return nearer, nearer + float(low), nearer + float(high)
