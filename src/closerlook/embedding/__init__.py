"""Image -> vector: content and style of VGG-19 or Lite0, pooled networks, or a function of the user's."""

from __future__ import annotations

from closerlook.choices import EMBEDDINGS
from closerlook.embedding.blocks import Block, pool, slices_of
from closerlook.embedding.content_style import LAYERS, ContentStyle, Layers
from closerlook.embedding.embedder import Embedder, EmbeddingFunction
from closerlook.embedding.features import Arrays, Features, as_features, extract
from closerlook.embedding.functions import load_function
from closerlook.embedding.pooled import Custom, Pooled, as_embedder
from closerlook.inputs import check_embedding

__all__ = [
    "EMBEDDINGS",
    "Arrays",
    "Block",
    "ContentStyle",
    "Custom",
    "Embedder",
    "EmbeddingFunction",
    "Features",
    "Layers",
    "Pooled",
    "as_embedder",
    "as_features",
    "extract",
    "open_embedding",
    "pool",
    "slices_of",
]


def open_embedding(source: str | Embedder | EmbeddingFunction, size: tuple[int, int] = (128, 64)) -> Embedder:
    """The embedding called ``source`` for images of ``size``: one of :data:`EMBEDDINGS`, or ``module:function``.

    The function, which can also be given itself, takes (b, h, w, 3) uint8 RGB and returns (b, d). An
    :class:`Embedder`, such as a trained model, stays as it is.

    Raises:
        UsageError: nothing has that name, or it is neither a name, an ``Embedder`` nor a function.

    Example:
        >>> from closerlook.embedding import open_embedding
        >>> open_embedding("lite0-pooled", (64, 32)).dim
        1280
        >>> open_embedding(lambda images: images.float().mean((1, 2))).dim
        3
    """
    if not isinstance(source, str):
        return as_embedder(source, size)
    check_embedding(source)
    if ":" in source:
        return Custom(load_function(source, "embedding"), source, size)
    if source in LAYERS:
        return ContentStyle(source, size)
    return Pooled(source.removesuffix("-pooled"), size)
