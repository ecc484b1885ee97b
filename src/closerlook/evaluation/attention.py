"""Where a model looks: which parts of an image a match depends on, found by blurring them away.

It asks the model alone and so works for any embedder. Fong and Vedaldi, "Interpretable explanations of black boxes by
meaningful perturbation", 2017, with the similarity of two images in the place of a class score and masks on a grid.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from closerlook.dataset.images import resize
from closerlook.embedding import Embedder

__all__ = ["attention"]

PLACES = (12, 6)  # centers of the masks, down and across; a mask's standard deviation is their spacing
BLURRED = (4, 2)  # pixels that are left of what a mask blurs away
BATCH = 24


def attention(
    embedder: Embedder, image: NDArray[np.uint8], other: NDArray[np.uint8] | None = None
) -> NDArray[np.float64]:
    """How much each pixel of ``image`` does for its similarity to ``other``.

    Place by place a soft spot of the image is blurred away, and the loss of cosine similarity is spread over the spot.
    Positive: the part speaks for the match; negative: it speaks against it. Without ``other`` the similarity is to the
    image itself, so the map says which parts make its feature what it is.

    Args:
        embedder: any model.
        image: (h, w, 3) uint8 of the embedder's size.
        other: the same.

    Returns:
        (h, w) loss of similarity.

    Example:
        >>> from closerlook.evaluation import attention
        >>> attention(model, np.full((64, 32, 3), 90, np.uint8)).shape
        (64, 32)
    """
    height, width = image.shape[:2]
    masks = _masks(height, width)
    blurred = resize(resize(image, BLURRED), (height, width))
    whole = _embed(embedder, image[None])[0]
    target = whole if other is None else _embed(embedder, other[None])[0]
    losses = []
    for start in range(0, len(masks), BATCH):
        veil = masks[start : start + BATCH, ..., None]
        hidden = (image * (1 - veil) + blurred * veil).round().astype(np.uint8)
        losses.append((whole @ target - _embed(embedder, hidden) @ target).numpy(force=True))
    return np.asarray(np.tensordot(np.concatenate(losses).astype(np.float64), masks, axes=1) / masks.sum(axis=0))


def _masks(height: int, width: int) -> NDArray[np.float64]:
    """Soft round spots on a grid, 1 at their centers, shape (places, height, width)."""
    down, across = (_bumps(length, places) for length, places in zip((height, width), PLACES, strict=True))
    masks: NDArray[np.float64] = np.einsum("ih,jw->ijhw", down, across)
    return masks.reshape(-1, height, width)


def _bumps(length: int, places: int) -> NDArray[np.float64]:
    spacing = length / places
    centers = (np.arange(places) + 0.5) * spacing
    return np.asarray(np.exp(-0.5 * ((np.arange(length) + 0.5 - centers[:, None]) / spacing) ** 2))


def _embed(embedder: Embedder, images: NDArray[np.uint8]) -> torch.Tensor:
    return torch.nn.functional.normalize(embedder(torch.from_numpy(images)).float())
