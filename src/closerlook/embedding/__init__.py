"""Image -> vector: content and style of VGG-19 or Lite0, pooled networks, or a function of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import Tensor

from closerlook.embedding.blocks import Block, blocks_of, pool, slices_of
from closerlook.embedding.content_style import LAYERS, ContentStyle, Layers
from closerlook.embedding.embedder import Embedder
from closerlook.embedding.features import Features, extract
from closerlook.embedding.functions import load_function
from closerlook.embedding.pooled import Custom, Pooled
from closerlook.errors import UsageError, unknown

__all__ = [
    "EMBEDDINGS",
    "Block",
    "ContentStyle",
    "Custom",
    "Embedder",
    "Features",
    "Layers",
    "Pooled",
    "blocks_of",
    "extract",
    "open_embedding",
    "pool",
    "slices_of",
]

POOLED = ("lite0", "resnet50", "vgg19")
EMBEDDINGS = (*LAYERS, *(f"{name}-pooled" for name in POOLED))


def open_embedding(source: str | Embedder | Callable[[Tensor], Tensor], size: tuple[int, int] = (128, 64)) -> Embedder:
    """The embedding called ``source`` for images of ``size``: one of :data:`EMBEDDINGS`, or ``module:function``.

    The function, which can also be given itself, takes (b, h, w, 3) uint8 RGB and returns (b, d). An ``Embedder`` (a
    trained model) stays as it is.

    Raises:
        UsageError: nothing has that name, or it is neither a name, an ``Embedder`` nor a function.
    """
    if not isinstance(source, str):
        if all(hasattr(source, name) for name in ("name", "size", "dim")):
            return cast(Embedder, source)
        if not callable(source):
            raise UsageError(f"An embedding is a name, a function or a model, not a {type(source).__name__}.")
        name = getattr(source, "__qualname__", type(source).__qualname__)
        return Custom(source, f"{getattr(source, '__module__', '')}:{name}", size)
    if ":" in source:
        return Custom(load_function(source, "embedding"), source, size)
    if source in LAYERS:
        return ContentStyle(source, size)
    if source in EMBEDDINGS:
        return Pooled(source.removesuffix("-pooled"), size)
    raise unknown("embedding", source, [*EMBEDDINGS, "module:function"])
