"""A person's materials as the kernels take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.humans.clothing.fabric import RELIEF_SIDE
from closerlook.synthesis.humans.mesh.mesh import Material
from closerlook.synthesis.rendering.surfaces.textures import mip_chain, relief_chain
from closerlook.synthesis.rendering.values import Surface

__all__ = ["material_rows"]


def material_rows(materials: Sequence[Material]) -> tuple[NDArray[np.uint8], list[Any]]:
    """The texels of all textures and reliefs, (n, 4), and one :class:`Surface` per material, which says where its own
    begin."""
    chains = [mip_chain(material.texture) for material in materials]
    chains += [relief_chain(material.relief) for material in materials if material.relief]
    starts = np.cumsum([0, *(len(chain) for chain in chains)])
    reliefs = iter(starts[len(materials) :])
    surfaces = []
    for material, start in zip(materials, starts, strict=False):
        surface = Surface()
        surface.start = int(start)
        surface.log2_side = material.texture.shape[0].bit_length() - 1
        surface.roughness = material.roughness
        surface.cutout = int(material.cutout)
        surface.two_sided = int(material.two_sided)
        surface.relief = int(next(reliefs)) if material.relief else -1
        surface.relief_log2 = RELIEF_SIDE.bit_length() - 1
        surface.bump = material.bump
        surfaces.append(surface)
    return np.concatenate(chains), surfaces
