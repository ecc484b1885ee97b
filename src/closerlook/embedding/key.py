"""Which embedding it is that results were made with."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import torch

from closerlook.embedding.embedder import Embedder
from closerlook.randomness import keyed_rng
from closerlook.storage.keys import Key, digest

__all__ = ["embedding_key"]


def embedding_key(embedder: Embedder) -> Key:
    """Its name, the images' size, its blocks with their weights, and its fingerprint; where it has none, a digest of
    what it makes of two images of noise."""
    return {
        "name": embedder.name,
        "size": embedder.size,
        "blocks": [asdict(block) for block in embedder.blocks],
        "weights": embedder.fingerprint or digest(_answer(embedder)),
    }


def _answer(embedder: Embedder) -> bytes:
    noise = keyed_rng(0, "probe").integers(0, 256, (2, *embedder.size, 3), dtype=np.uint8)
    return embedder(torch.from_numpy(noise)).numpy(force=True).astype(np.float32).tobytes()
