"""Wrinkles of cloth tilt its normals."""

from __future__ import annotations

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans.clothing.fabric import RELIEF_SIDE
from closerlook.synthesis.humans.mesh.mesh import Material, Person, PosedPerson, Skeleton
from closerlook.synthesis.rendering.renderer import View
from closerlook.synthesis.rendering.surfaces import materials
from closerlook.synthesis.rendering.surfaces.textures import mip_chain
from closerlook.synthesis.scenes.backdrop import BACKDROPS, place
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.sensor import Sensor

from .conftest import Studio

BUMP = 0.5


def board(*, mirrored: bool) -> Person:
    """A board that faces +z, its texture upright or seen from behind."""
    x, y = np.array([-0.8, 0.8, 0.8, -0.8]), np.array([0.0, 0.0, 1.6, 1.6])
    u, v = (x / 1.6 + 0.5) * (-1 if mirrored else 1), 1 - y / 1.6
    gray = np.full((8, 8, 4), 128, np.uint8)
    return Person(
        identity=0,
        labels={},
        positions=np.stack([x, y, 0 * x], 1).astype(np.float32),
        smooth=np.arange(4, dtype=np.int32),
        uv=np.stack([u, v], 1).astype(np.float32),
        bones=np.zeros((4, 4), np.int32),
        weights=np.tile(np.array([1, 0, 0, 0], np.float32), (4, 1)),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        materials_of=np.zeros(2, np.int32),
        materials=(Material("upper", gray, relief="any", bump=BUMP),),
        skeleton=Skeleton(("root",), np.array([-1], np.int32), np.zeros((1, 3), np.float32)),
        body_vertices=4,
    )


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("around", "down"), [(255, 128), (128, 255), (64, 192)])
def test_normals_lean_against_the_slope(
    monkeypatch: pytest.MonkeyPatch, mirrored: bool, around: int, down: int
) -> None:
    slopes = np.full((RELIEF_SIDE, RELIEF_SIDE, 4), (around, down, 128, 255), np.uint8)
    monkeypatch.setattr(materials, "relief_chain", lambda name: mip_chain(slopes))
    person = board(mirrored=mirrored)
    ahead = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    made = Studio((32, 32), person, PosedPerson(person.positions, ahead, np.zeros((1, 3), np.float32)))
    gbuffer = made.rasterize(
        View(Camera(viewpoint=90.0, distance=6.0, height=0.8), place(BACKDROPS["sand"], keyed_rng(1)), Sensor())
    )
    normal = gbuffer.facing[0, 16, 16, :3]
    rise, fall = ((value - 128) / 255 * 2 * BUMP for value in (around, down))
    wanted = np.array([-rise * (-1 if mirrored else 1), fall, 1.0])
    np.testing.assert_allclose(normal, wanted / np.linalg.norm(wanted), atol=0.01)
