"""Whether one side's images are blurred by being enlarged while the other's are not."""

from __future__ import annotations

import numpy as np

from closerlook.dataset import Dataset
from closerlook.dataset.decoding import read_size
from closerlook.errors import CloserlookError

__all__ = ["unequal_blur"]

SAMPLE = 64  # images whose size is read
TOLERANCE = 1.25


def unequal_blur(source: Dataset, target: Dataset, size: tuple[int, int]) -> tuple[str, ...]:
    """A note where the images of one side have to be enlarged much more than the other's, to ``size``; else nothing.

    What is enlarged is blurred, and features of the first layers measure blur before anything else: levels with little
    contrast (fog, blizzard) then seem near to small images, and sunny ones far.
    """
    factors = [_enlargement(data, size) for data in (source, target)]
    if max(factors) <= TOLERANCE * min(factors):
        return ()
    more = int(np.argmax(factors))
    small = (source, target)[more]
    height, width = (round(length / factors[more]) for length in size)
    return (
        f"Images of {small.name} are enlarged {factors[more]:.1f} times, the other side's {min(factors):.1f} times: "
        f"much of the distance is their blur. Better analyze at --size {height}x{width}.",
    )


def _enlargement(data: Dataset, size: tuple[int, int]) -> float:
    """How many times images are enlarged along a side, the median over some of them; 1 if they shrink."""
    rows = np.unique(np.linspace(0, len(data) - 1, min(SAMPLE, len(data))).astype(int))
    factors = []
    for row in rows:
        try:
            height, width = read_size(data.paths[row])
        except CloserlookError:
            continue  # whoever decodes it says so
        factors.append((size[0] * size[1] / (height * width)) ** 0.5)
    return max(float(np.median(factors)), 1.0) if factors else 1.0
