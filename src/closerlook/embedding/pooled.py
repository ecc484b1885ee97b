"""Embeddings of one block: a network's pooled feature map, or the user's own function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from closerlook.embedding.backbones import pretrained
from closerlook.embedding.content_style import fingerprint
from closerlook.embedding.embedder import Embedder, EmbeddingFunction
from closerlook.errors import CloserlookError, UsageError

__all__ = ["Custom", "Pooled", "as_embedder"]


class Pooled(Embedder):
    """The globally averaged last feature map of an ImageNet network (pool5 of ResNet-50).

    Args:
        backbone: ``lite0``, ``resnet50``, ``vgg19`` or any other of :data:`closerlook.embedding.backbones.BACKBONES`.
        size: (height, width) of the images.
        weights: a file with the backbone's weights, instead of searching for one.
        device: where it runs; a GPU where there is one.
    """

    parallel = True

    def __init__(
        self,
        backbone: str = "resnet50",
        size: tuple[int, int] = (128, 64),
        *,
        weights: Path | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        self.name = f"{backbone}-pooled"
        self.size = size
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        network = pretrained(backbone, weights=weights).requires_grad_(False)
        self.fingerprint = fingerprint(network)
        self._network = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dim = self._network.dim

    def __call__(self, images: Tensor) -> Tensor:
        """(b, h, w, 3) uint8 RGB -> (b, dim) float32."""
        with torch.inference_mode():
            feature_map = self._network(self._network.normalize(images.to(self.device)))
            features: Tensor = self._network.project(feature_map.mean((2, 3)))
            return features


class Custom(Embedder):
    """A user's function (b, h, w, 3) uint8 RGB -> (b, d) as an ``Embedder``; it is tried once on two black images.

    Raises:
        CloserlookError: the function fails or does not return one vector per image.
    """

    def __init__(self, function: EmbeddingFunction, name: str, size: tuple[int, int]) -> None:
        self.name = name
        self.size = size
        self._function = function
        tried = self(torch.zeros(2, *size, 3, dtype=torch.uint8))
        self.dim = tried.shape[1]
        self.device = tried.device

    def __call__(self, images: Tensor) -> Tensor:
        """(b, h, w, 3) uint8 RGB -> (b, dim) float32."""
        with torch.inference_mode():
            try:
                vectors = self._function(images)
                vectors = torch.from_numpy(vectors) if isinstance(vectors, np.ndarray) else vectors
            except Exception as error:
                raise CloserlookError(f"Embedding '{self.name}' failed: {type(error).__name__}: {error}") from error
        shape = tuple(vectors.shape) if isinstance(vectors, Tensor) else type(vectors).__name__
        if not isinstance(vectors, Tensor) or vectors.ndim != 2 or len(vectors) != len(images):
            raise CloserlookError(
                f"Embedding '{self.name}' must return a tensor or array ({len(images)}, d); it gave {shape}."
            )
        return vectors.float()


def as_embedder(source: Embedder | EmbeddingFunction, size: tuple[int, int] = (128, 64)) -> Embedder:
    """An embedder as it is, or any function (b, h, w, 3) uint8 RGB -> (b, d) as one that sees images at ``size``.

    Raises:
        UsageError: it can be called as neither.
        CloserlookError: the function fails or does not return one vector per image.

    Example:
        >>> from closerlook.embedding import as_embedder
        >>> as_embedder(lambda images: images.float().mean((1, 2)), (64, 32)).dim
        3
    """
    if isinstance(source, Embedder):
        return source
    if not callable(source):
        raise UsageError(f"An embedding is a name, a function or a model, not a {type(source).__name__}.")
    name = getattr(source, "__qualname__", type(source).__qualname__)
    return Custom(source, f"{getattr(source, '__module__', '')}:{name}", size)
