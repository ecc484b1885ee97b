"""Which sizes of images are taken: (height, width) in pixels."""

from __future__ import annotations

__all__ = ["MAX_SIDE", "MIN_SIDE"]

MIN_SIDE = 16  # below, the deeper networks' maps vanish
MAX_SIDE = 4096  # above, a single batch does not fit into memory
