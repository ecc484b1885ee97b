"""The parts of an embedding: one vector, its blocks side by side and not yet weighted.

The paper's total loss is a squared distance in one space, so an embedding is a function image -> vector. Its *blocks*
(a style layer's Gram matrix, a content layer's activations) stay apart and unscaled: the weights of Eqs. 2 and 3 are
applied to the blocks' moments afterwards, and changing them needs no second pass over the images.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from torch import Tensor

__all__ = ["TERMS", "Block", "pool", "slices_of"]

TERMS = ("style", "content", "feature")
MAX_POOLED = 2048


@dataclass(frozen=True)
class Block:
    """A run of an embedding's coordinates that is weighted as a whole.

    Attributes:
        name: the layer it comes from, such as ``conv4_2``.
        term: ``style`` and ``content`` are the losses of Eqs. 2 and 1; ``feature`` is any other vector.
        dim: how many coordinates it has.
        weight: what multiplies its squared distance in Eqs. 1 and 2 as printed: w_l / (4 N^2 M^2) for style,
            1/2 for content, 1 for a feature.
        positions: of the feature map, in a content block that keeps them: its coordinates are positions x channels.
    """

    name: str
    term: str
    dim: int
    weight: float = 1.0
    positions: int = 1


def slices_of(blocks: tuple[Block, ...]) -> tuple[slice, ...]:
    """Where each block lies in the vector.

    Example:
        >>> from closerlook.embedding import Block, slices_of
        >>> slices_of((Block("a", "style", 3), Block("b", "content", 2)))
        (slice(0, 3, None), slice(3, 5, None))
    """
    ends = list(accumulate(block.dim for block in blocks))
    return tuple(slice(end - block.dim, end) for end, block in zip(ends, blocks, strict=True))


def pool(blocks: tuple[Block, ...], phi: Tensor, rows: Tensor) -> Tensor | None:
    """Pooled features (n, channels) of those of the vectors (b, dim) that ``rows`` (b,) bool marks: the last content or
    feature block, averaged over positions.

    None where there is none of at most 2,048 channels.

    Example:
        >>> from closerlook.embedding import Block, pool
        >>> pool((Block("a", "feature", 2),), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([True, False]))
        tensor([[1., 2.]])
    """
    for block, part in reversed(list(zip(blocks, slices_of(blocks), strict=True))):
        if block.term != "style" and block.dim <= MAX_POOLED * block.positions:
            return phi[:, part][rows].view(-1, block.positions, block.dim // block.positions).mean(dim=1)
    return None
