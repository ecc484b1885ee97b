"""What the kernels that light a view share: tiles of pixels, and the rows of what is worked out for them.

Pixels are taken in square tiles. A *lane vector* holds one number of each pixel of a tile; on the CPU its arithmetic is
SIMD, so that a further weather or time of day costs a few multiplications a pixel. On CUDA a tile is one pixel.
"""

# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

LAYERS = 2

# Rows of ``independent``, ``direct`` and ``atmosphere`` for one layer
DOME, BELOW, VISIBILITY, RIM, WATER, EMISSION, NORMAL = (wp.constant(row) for row in range(3, 10))
GLOSS_DOME, GLOSS_BELOW, WET_DOME, WET_BELOW, LAMPS, LAMP_GLINT = (wp.constant(row) for row in range(12, 18))
SHARE, AWAY = wp.constant(18), wp.constant(19)
INDEPENDENT_ROWS = wp.constant(20)  # the albedo comes first
BEAM, SHINE, GLINT, AMBIENT, GLOSS, WET_GLOSS = (wp.constant(row) for row in (0, 1, 2, 3, 6, 9))
DIRECT_ROWS = wp.constant(12)
THROUGH, VEIL, COVERED, DAMP, POOL = (wp.constant(row) for row in range(5))
ATMOSPHERE_ROWS = wp.constant(5)


@wp.struct
class Tile:
    """One tile: ``y`` and ``x`` of its first pixel, the first row and column beyond it or the image, the ``side`` of
    all tiles, the ``slot`` of its view's surfaces and the ``view``, and the ``cell`` of what is worked out for it."""

    y: int
    x: int
    end_y: int
    end_x: int
    side: int
    slot: int
    view: int
    cell: int
