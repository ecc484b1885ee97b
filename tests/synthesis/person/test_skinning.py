"""Bending meshes."""

from __future__ import annotations

import numpy as np
import warp as wp
from hypothesis import given, settings
from hypothesis.strategies import integers

from closerlook.randomness import keyed_rng
from closerlook.synthesis.person.mesh import Material, Person, Skeleton
from closerlook.synthesis.person.rig import skin
from closerlook.synthesis.person.skinning import bend, flesh_of, warp_array


def any_person(seed: int, vertices: int, bones: int) -> Person:
    """Points that hang on up to four bones, some of them named twice, and triangles between them."""
    rng = keyed_rng(seed, "any mesh")
    weights = rng.random((vertices, 4)) * (rng.random((vertices, 4)) < rng.random((vertices, 1)))
    weights[weights.sum(1) == 0, rng.integers(4)] = 1.0
    return Person(
        identity=0,
        labels={},
        positions=rng.uniform(-1, 1, (vertices, 3)).astype(np.float32),
        smooth=rng.permutation(vertices).astype(np.int32),
        uv=np.zeros((vertices, 2), np.float32),
        bones=rng.integers(bones, size=(vertices, 4)).astype(np.int32),
        weights=(weights / weights.sum(1, keepdims=True)).astype(np.float32),
        triangles=rng.integers(vertices, size=(2 * vertices, 3)).astype(np.int32),
        materials_of=np.zeros(2 * vertices, np.int32),
        materials=(Material("skin", np.zeros((1, 1, 4), np.uint8)),),
        skeleton=Skeleton(
            tuple(map(str, range(bones))), np.full(bones, -1, np.int32), np.zeros((bones, 3), np.float32)
        ),
        own=vertices,
    )


@settings(deadline=None, max_examples=40)
@given(integers(0, 2**32), integers(1, 200), integers(1, 6), integers(1, 4))
def test_bending_is_dense_skinning(seed: int, vertices: int, bones: int, poses: int) -> None:
    person = any_person(seed, vertices, bones)
    flesh, rng = flesh_of(person), keyed_rng(seed, "transforms")
    rest = bend(flesh, warp_array(np.broadcast_to(np.eye(4, dtype=np.float32), (1, bones, 4, 4)), wp.mat44))
    np.testing.assert_allclose(rest[0][0], person.positions, atol=1e-6)
    dense = np.zeros((vertices, bones))
    np.add.at(dense, (np.arange(vertices)[:, None], person.bones), person.weights)
    transforms = np.zeros((poses, bones, 4, 4), np.float32)
    transforms[:, :, :3] = rng.uniform(-1, 1, (poses, bones, 3, 4))
    positions, normals = bend(flesh, warp_array(transforms, wp.mat44))
    for k in range(poses):
        np.testing.assert_allclose(positions[k], skin(person.positions, dense, transforms[k, :, :3]), atol=1e-5)
        straight = transforms[k, :, :3].copy()
        straight[:, :, 3] = 0.0
        turned = skin(rest[1][0], dense, straight)
        length = np.linalg.norm(turned, axis=1, keepdims=True)
        np.testing.assert_allclose(normals[k] * length, turned, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(normals[k], axis=1), 1, atol=1e-5)
