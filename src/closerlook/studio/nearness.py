"""How far one picture is from the mean of a target's, and what that number means."""

from __future__ import annotations

import numpy as np

from closerlook.adaptation.objective import Objective
from closerlook.dataset import Dataset
from closerlook.dataset.decoding import decode_image
from closerlook.dataset.images import iter_images, resize
from closerlook.embedding import open_embedding

__all__ = ["LIMITS", "Nearness"]

MOST = 512  # images of the target
LIMITS = (
    "One picture says little: its distance holds what is this person's and this place's own, which the mean of many "
    "does not. Compare the same person under other knobs, and trust 'closerlook analyze' for what a level is worth."
)


class Nearness:
    """A target's mean in an embedding, as ``adapt`` measures against it: content and style, balanced.

    Args:
        target: unlabeled training images, of which at most 512 are looked at, evenly.
        embedding, size: as :func:`closerlook.analyze` takes them.

    Attributes:
        usual: (low, high), between which nine in ten of the target's own images are.

    Example:
        >>> from closerlook.studio import Nearness
        >>> near = Nearness(target.train, embedding="lite0-pooled", size=(64, 32))
        >>> near.usual[0] < near.usual[1]
        True
    """

    def __init__(self, target: Dataset, embedding: str = "lite0", size: tuple[int, int] = (128, 64)) -> None:
        count = min(len(target), MOST)
        used = target.take(np.arange(count) * len(target) // count)
        self._objective = Objective(used, open_embedding(embedding, size))
        own = np.concatenate([self._objective.of_each(images) for images in iter_images(used, size)])
        low, high = np.quantile(own, [0.05, 0.95])
        self.usual = float(low), float(high)

    def distance(self, jpeg: bytes) -> float:
        """The squared distance of a JPEG file's image to the target's mean; 0.5 is the mean of the target's own."""
        pixels = resize(decode_image(jpeg, "studio.jpg"), self._objective.size)
        return float(self._objective.of_each(pixels[None])[0])

    def describe(self, jpeg: bytes) -> str:
        """The distance in words."""
        low, high = self.usual
        return f"{self.distance(jpeg):.2f} from the target's mean; nine in ten of its own are {low:.2f} to {high:.2f}"
