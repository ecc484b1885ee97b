"""The surfaces that a renderer finds in one view, as NumPy reads them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Float32
from closerlook.synthesis.humans.mesh.mesh import Person, PosedPerson
from closerlook.synthesis.scenes.frames import Frame

__all__ = ["GBuffer"]


@dataclass(frozen=True, eq=False)
class GBuffer:
    """The surfaces in one view of a posed person.

    On the CPU its arrays are the renderer's own memory: they hold until it rasterizes something else.

    Attributes:
        person, posed: who is seen.
        frame: the camera's geometry.
        size: of the image, (height, width).
        sensor_size: (h, w) of the sensor, which may have fewer pixels.
        color: (2, height, width, 4) albedo of the person, then of the place, and its coverage of the pixel.
        facing: (2, height, width, 4) normals, and roughness.
        where: (2, height, width, 4) points in the world.
        open_sky: (2, height, width) share of the sky that they see.
        samples: (2 h, 2 w) of the sensor's pixels: ``rasterize.EMPTY`` or, in the lower bits, the number of the
            person's triangle; from ``surroundings.HIDDEN`` on where something stands before it.
    """

    person: Person
    posed: PosedPerson
    frame: Frame
    size: tuple[int, int]
    sensor_size: tuple[int, int]
    color: Float32 = field(repr=False)
    facing: Float32 = field(repr=False)
    where: Float32 = field(repr=False)
    open_sky: Float32 = field(repr=False)
    samples: NDArray[np.int64] = field(repr=False)
