"""The parts of an embedding: one vector, its blocks side by side and not yet weighted.

The paper's total loss is a squared distance in one space, so an embedding is a function image -> vector. Its *blocks*
(a style layer's Gram matrix, a content layer's activations) stay apart and unscaled: the weights of Eqs. 2 and 3 are
applied to the blocks' moments afterwards, and changing them needs no second pass over the images.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from closerlook.embedding.features import Embedder

__all__ = ["TERMS", "Block", "blocks_of", "slices_of"]

TERMS = ("style", "content", "feature")


@dataclass(frozen=True)
class Block:
    """A run of an embedding's coordinates that is weighted as a whole.

    Attributes:
        name: the layer it comes from, such as ``conv4_2``.
        term: ``style`` and ``content`` are the losses of Eqs. 2 and 1; ``feature`` is any other vector.
        dim: how many coordinates it has.
        weight: what multiplies its squared distance in Eqs. 1 and 2 as printed: w_l / (4 N^2 M^2) for style,
            1/2 for content, 1 for a feature.
    """

    name: str
    term: str
    dim: int
    weight: float = 1.0


def blocks_of(embedder: Embedder) -> tuple[Block, ...]:
    """The blocks that ``embedder`` declares as ``blocks``; its whole vector as one feature where it declares none."""
    declared: tuple[Block, ...] | None = getattr(embedder, "blocks", None)
    return declared if declared is not None else (Block("feature", "feature", embedder.dim),)


def slices_of(blocks: tuple[Block, ...]) -> tuple[slice, ...]:
    """Where each block lies in the vector."""
    ends = list(accumulate(block.dim for block in blocks))
    return tuple(slice(end - block.dim, end) for end, block in zip(ends, blocks, strict=True))
