"""People to search for: as vectors and as drawn images."""

import numpy as np

from closerlook.dataset.dataset import DISTRACTOR
from closerlook.embedding import Embedder, Features


def features(count, seed, *, people=8, cameras=3, dim=5, noise=1.0, low=1):
    """Vectors of a few people on small whole numbers, so that distances are exact and ties real."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(99).integers(-4, 5, (people + 1, dim))
    who = rng.integers(low, people + 1, count)
    who[who == 0] = DISTRACTOR
    vectors = centers[np.maximum(who, 0)] + np.rint(noise * rng.standard_normal((count, dim)))
    return Features(vectors.astype(np.float32), who, rng.integers(1, cameras + 1, count))


class Color(Embedder):
    """An embedder that anybody can follow: the mean color of the upper and of the lower half."""

    name, size, dim = "color", (16, 8), 6

    def __call__(self, images):
        halves = images.float().reshape(len(images), 2, -1, 3).mean(2)
        return halves.reshape(len(images), 6) / 255


def dressed(seed, top, bottom, height=32, width=16):
    """A flat drawn person: background, head, top and bottom."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 120 + rng.integers(-20, 20), np.float64)
    image[2:6, 6:10] = (200, 160, 130)
    image[6:17, 3:13] = top
    image[17:30, 4:12] = bottom
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
