"""What an embedding is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["Embedder", "EmbeddingFunction"]

EmbeddingFunction = Callable[[torch.Tensor], torch.Tensor | NDArray[np.floating]]  # (b, h, w, 3) uint8 -> (b, d)


class Embedder(Protocol):
    """A function image -> vector: a pretrained embedding or a trained re-ID model.

    Attributes:
        name: what to call it in reports.
        size: (height, width) in pixels of the images it takes.
        dim: length of the vector.

    Where it has an attribute ``parallel`` that is true, several threads may call it at once. Where it has a method
    ``write(images, out)``, that writes the vectors into ``out`` (b, dim), long passes keep them in a few buffers.
    """

    name: str
    size: tuple[int, int]
    dim: int

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(b, h, w, 3) uint8 RGB -> (b, dim) float32, without gradients; normalisation is inside."""
        ...
