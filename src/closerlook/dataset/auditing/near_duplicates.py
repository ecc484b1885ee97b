"""Images that show the same picture: encoded again, resized, brightened or cut by a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from closerlook.dataset.auditing.looks import Look
from closerlook.randomness import keyed_rng

__all__ = ["MOST_COMPARED", "near_duplicates"]

# Of the 83,663,580 pairs of Market-1501's 12,936 training images 11 are within both bounds, all of them of one person.
MOST_BITS = 32  # of 256 that may differ
MOST_DIFFERENCE = 6.0  # mean absolute, of the thumbnails' values
MOST_COMPARED = 50_000  # images: all pairs of them take about a minute
BLOCK = 1024


def near_duplicates(looks: Sequence[Look], most: int = MOST_COMPARED) -> NDArray[np.int64]:
    """(n, 2) pairs of indices into ``looks``, ascending, that show the same picture; equal files are among them.

    Of more than ``most`` images, as many drawn at random are compared.
    """
    chosen = np.arange(len(looks))
    if len(looks) > most:
        chosen = np.sort(keyed_rng(0, "near duplicates").choice(len(looks), most, replace=False))
    if len(chosen) < 2:
        return np.empty((0, 2), np.int64)
    kept = [looks[int(i)] for i in chosen]
    bits = torch.from_numpy(np.stack([look.bits for look in kept])).float() * 2 - 1
    small = np.stack([look.thumbnail.ravel() for look in kept]).astype(np.float32)
    pairs: list[NDArray[np.int64]] = []
    for start in range(0, len(bits), BLOCK):
        alike = bits[start : start + BLOCK] @ bits[start:].T >= bits.shape[1] - 2 * MOST_BITS
        one, other = torch.triu(alike, 1).nonzero().numpy().T + start
        near = np.abs(small[one] - small[other]).mean(1) <= MOST_DIFFERENCE
        pairs.append(np.stack([one[near], other[near]], axis=1))
    return np.asarray(chosen[np.concatenate(pairs)])
