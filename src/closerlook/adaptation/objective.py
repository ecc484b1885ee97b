"""How far a small rendered set is from the target, and how sure the difference between two such sets is.

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

from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.embedding import Embedder, blocks_of, slices_of
from closerlook.errors import CloserlookError
from closerlook.gap.measure.moments import squared_norms
from closerlook.gap.statistics.bootstrap import draw, small_sample_factor

__all__ = ["Distance", "Objective", "gain"]

GROUPS = 16
ALPHA, BETA = 0.9, 1.0  # of style and content, the paper's (Eq. 3)

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """A set of images against the target.

    Attributes:
        fit: unbiased squared distance of the means; 1.0 is the target's mean distance to itself.
        own: (g, g) inner products of the means of groups of people, about the target's mean.
        cross: (g, h) the same with the means of groups of target images.
    """

    fit: float
    own: Float = field(repr=False)
    cross: Float = field(repr=False)


class Objective:
    """The target's moments; measures sets of rendered images against them.

    Args:
        target: unlabelled training images.
        embedder: the space, content + style or any other.

    Raises:
        CloserlookError: the target has fewer than two images, or they are all alike.
    """

    def __init__(self, target: Dataset, embedder: Embedder) -> None:
        if len(target) < 2:
            raise CloserlookError(f"The target {target.name} has {len(target)} image: at least 2 are needed.")
        self._embedder, self._blocks = embedder, blocks_of(embedder)
        self._parts = slices_of(self._blocks)
        self.size = embedder.size
        groups = min(GROUPS, len(target))
        group = np.arange(len(target)) * groups // len(target)
        means, self._squares = self._means(iter_images(target, embedder.size), group)
        counts = np.bincount(group)
        share = torch.from_numpy(counts / counts.sum())
        self._mean = share @ means
        self._target = means - self._mean
        norms = squared_norms(self._target, self._parts).numpy()
        bias = counts.astype(float) ** 2 @ norms / (counts.sum() ** 2 - (counts.astype(float) ** 2).sum())
        spread = self._squares - squared_norms(self._mean[None], self._parts)[0].numpy() + bias
        self._weights = self._balanced(spread)
        self._bias = float(bias @ self._weights)

    def measure(self, images: NDArray[np.uint8], people: NDArray[np.int64]) -> Distance:
        """The distance of images (n, h, w, 3) of the numbered ``people`` (n,)."""
        _, person = np.unique(people, return_inverse=True)
        if person.max() < 1:
            raise CloserlookError("At least two people are needed to measure a distance without bias.")
        group = person % min(GROUPS, int(person.max()) + 1)
        means, _ = self._means((images[start : start + 64] for start in range(0, len(images), 64)), group)
        means = means - self._mean
        own, cross = self._products(means, means), self._products(means, self._target)
        counts = np.bincount(group).astype(float)
        pairs = np.outer(counts, counts) * (1 - np.eye(len(counts)))
        return Distance(float((own * pairs).sum() / pairs.sum()) - self._bias, own, cross)

    def _means(self, batches: Iterator[NDArray[np.uint8]], group: NDArray[np.int64]) -> tuple[Tensor, Float]:
        """Mean vector of each group (g, d) float64, and each block's mean squared length over all images (b,)."""
        sums = torch.zeros(int(group.max()) + 1, self._parts[-1].stop, dtype=torch.float64)
        squares, start = np.zeros(len(self._parts)), 0
        for batch in batches:
            phi = self._embedder(torch.from_numpy(batch)).cpu()
            if not torch.isfinite(phi).all():
                raise CloserlookError(f"Embedding '{self._embedder.name}' gives a value that is not finite.")
            sums.index_add_(0, torch.from_numpy(group[start : start + len(batch)]), phi.double())
            squares += squared_norms(phi, self._parts).sum(dim=0).numpy()
            start += len(batch)
        return sums / torch.from_numpy(np.bincount(group))[:, None], squares / start

    def _balanced(self, spread: Float) -> Float:
        """(b,) weights under which the target's mean distance to itself is 1 in each term; see ``analysis.losses``."""
        factors = {"style": ALPHA, "content": BETA, "feature": 1.0}
        terms = dict.fromkeys(block.term for block in self._blocks)
        literal = np.array([block.weight for block in self._blocks])
        weights = np.zeros(len(literal))
        for term in terms:
            own = np.array([block.term == term for block in self._blocks])
            unit = float((2 * spread * literal)[own].sum())
            if not unit > 0:
                raise CloserlookError("All target images are alike: give a target with more than one view.")
            weights += factors[term] * np.where(own, literal, 0) / unit
        return np.asarray(weights / sum(factors[term] for term in terms))

    def _products(self, a: Tensor, b: Tensor) -> Float:
        parts = zip(self._weights.tolist(), self._parts, strict=True)
        total = sum(weight * (a[:, part] @ b[:, part].T) for weight, part in parts)
        return np.asarray(total)


def gain(before: Distance, after: Distance, seed: int = 0, replicates: int = 1000) -> tuple[float, float, float]:
    """By how much ``after`` is nearer, and the 95 % interval: (gain, low, high).

    Both sets must show the same people in the same order of groups; the same groups are drawn for both.
    """
    groups, target = before.cross.shape
    people = draw(groups, replicates, seed, "people") / groups
    views = draw(target, replicates, seed, "target") / target
    factor = small_sample_factor(min(groups, target))
    lengths = [np.einsum("rg,gh,rh->r", people, one.own, people, optimize=True) for one in (before, after)]
    crosses = [np.einsum("rg,gh,rh->r", people, one.cross, views, optimize=True) for one in (before, after)]
    difference = (lengths[0] - 2 * crosses[0]) - (lengths[1] - 2 * crosses[1])
    low, high = np.quantile(factor * (difference - difference.mean()), [0.025, 0.975])
    found = before.fit - after.fit
    return found, found + float(low), found + float(high)
