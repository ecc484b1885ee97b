"""What the kernels that light a view share: tiles of pixels, and the rows of what is worked out for them.

Pixels are taken in square tiles. A *lane vector* holds one number of each pixel of a tile; on the CPU its arithmetic is
SIMD, so that a further weather or time of day costs a few multiplications a pixel. On CUDA a tile is one pixel.
"""

# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

LAYERS = 2

# Rows of ``surveyed``, ``met`` and ``thinned`` for one layer
DOME, BELOW, SEEN, RIM, WATER, EMISSION, NORMAL = (wp.constant(row) for row in range(3, 10))
GLOSS_DOME, GLOSS_BELOW, WET_DOME, WET_BELOW, LAMPS, LAMP_GLINT = (wp.constant(row) for row in range(12, 18))
SURVEYED = wp.constant(18)  # the albedo comes first
BEAM, SHINE, GLINT, AMBIENT, GLOSS, WET_GLOSS = (wp.constant(row) for row in (0, 1, 2, 3, 6, 9))
MET = wp.constant(12)
THROUGH, VEIL, COVERED, DAMP, POOL = (wp.constant(row) for row in range(5))
THINNED = wp.constant(5)


@wp.func
def corner(tile: int, side: int, across: int) -> wp.vec2i:
    """Row and column of a tile's first pixel; there are ``across`` tiles of side x side pixels in a row of tiles."""
    return wp.vec2i((tile / across) * side, (tile % across) * side)
