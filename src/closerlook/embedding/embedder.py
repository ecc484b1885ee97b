"""What an embedding is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from closerlook.embedding.blocks import Block

__all__ = ["Embedder", "EmbeddingFunction"]

EmbeddingFunction = Callable[[torch.Tensor], torch.Tensor | NDArray[np.floating]]  # (b, h, w, 3) uint8 -> (b, d)


class Embedder(ABC):
    """A function image -> vector: a pretrained embedding, a trained re-ID model, or one of the user's own.

    A subclass sets ``name``, ``size`` and ``dim`` and answers calls; the rest has defaults.

    Attributes:
        name: what to call it in reports.
        size: (height, width) in pixels of the images it takes.
        dim: length of the vector.
        device: where its vectors are.
        parallel: whether several threads may call it at once.
        fingerprint: a digest of its weights, equal for embedders that give the same vectors; empty if it is not known.

    Example:
        >>> import torch
        >>> class MeanColor(Embedder):
        ...     name, size, dim = "mean color", (128, 64), 3
        ...
        ...     def __call__(self, images):
        ...         return images.float().mean((1, 2))
        >>> MeanColor()(torch.full((2, 128, 64, 3), 7, dtype=torch.uint8)).tolist()
        [[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]]
        >>> [block.dim for block in MeanColor().blocks]
        [3]
    """

    name: str
    size: tuple[int, int]
    dim: int
    device: torch.device = torch.device("cpu")
    parallel: bool = False
    fingerprint: str = ""

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The parts of the vector, side by side: all of it as one feature."""
        return (Block("feature", "feature", self.dim),)

    @abstractmethod
    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(b, h, w, 3) uint8 RGB -> (b, dim) float32, without gradients; normalization is inside."""

    def write(self, images: torch.Tensor, out: torch.Tensor) -> None:
        """The vectors of a call into ``out`` (b, dim), memory on ``device`` that long passes use again."""
        out.copy_(self(images))
