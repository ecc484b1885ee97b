"""Bending meshes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import warp as wp
from hypothesis import given, settings
from hypothesis.strategies import integers

from closerlook.compute.kernels import warp_array
from closerlook.randomness import keyed_rng
from closerlook.synthesis.humans.mesh.mesh import Material, Person, Skeleton
from closerlook.synthesis.humans.pose.rig import skin
from closerlook.synthesis.humans.pose.skinning import Flesh, bend, flesh_of


def any_person(seed: int, vertices: int, bones: int) -> Person:
    """Points that hang on one to four bones, and triangles between any of them."""
    rng = keyed_rng(seed, "any mesh")
    weights = rng.random((vertices, 4)) * (rng.random((vertices, 4)) < rng.random((vertices, 1)))
    weights[weights.sum(1) == 0, rng.integers(4)] = 1.0
    return Person(
        identity=0,
        labels={},
        positions=rng.uniform(-1, 1, (vertices, 3)).astype(np.float32),
        smooth=rng.permutation(vertices).astype(np.int32),
        uv=np.zeros((vertices, 2), np.float32),
        bones=rng.permuted(np.tile(np.arange(bones), (vertices, 1)), axis=1)[:, :4].astype(np.int32),
        weights=(weights / weights.sum(1, keepdims=True)).astype(np.float32),
        triangles=rng.integers(vertices, size=(2 * vertices, 3)).astype(np.int32),
        materials_of=np.zeros(2 * vertices, np.int32),
        materials=(Material("skin", np.zeros((1, 1, 4), np.uint8)),),
        skeleton=Skeleton(
            tuple(map(str, range(bones))), np.full(bones, -1, np.int32), np.zeros((bones, 3), np.float32)
        ),
        body_vertices=vertices,
    )


@settings(deadline=None, max_examples=40)
@given(integers(0, 2**32), integers(1, 200), integers(4, 7), integers(1, 4))
def test_bending_is_dense_skinning(seed: int, vertices: int, bones: int, poses: int) -> None:
    person = any_person(seed, vertices, bones)
    flesh, rng = flesh_of(person), keyed_rng(seed, "transforms")
    dense = np.zeros((vertices, bones))
    np.add.at(dense, (np.arange(vertices)[:, None], person.bones), person.weights)
    transforms = np.zeros((poses, bones, 4, 4), np.float32)
    transforms[:, :, :3] = rng.uniform(-1, 1, (poses, bones, 3, 4))
    positions, normals = bend(flesh, warp_array(transforms, wp.mat44))
    for k in range(poses):
        np.testing.assert_allclose(positions[k], skin(person.positions, dense, transforms[k, :, :3]), atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(normals[k], axis=1), 1, atol=1e-5)


def bent(flesh: Flesh, transforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and normals for (b, 3, 4) transforms."""
    square = np.concatenate([transforms, np.tile(np.array([[[0, 0, 0, 1]]]), (len(transforms), 1, 1))], axis=1)
    positions, normals = bend(flesh, warp_array(square.astype(np.float32)[None], wp.mat44))
    return positions[0], normals[0]


def sheet(rng: np.random.Generator, side: int) -> tuple[Person, np.ndarray]:
    """A tilted flat net of vertices that hang on three bones, ever more on one the further they are to its side; and
    how fast, (3, 3): one row per bone."""
    u, v = (grid.ravel() for grid in np.meshgrid(*2 * [np.linspace(-0.5, 0.5, side)]))
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0].T
    places = np.outer(u, axes[0]) + np.outer(v, axes[1])
    slopes = rng.uniform(-0.2, 0.2, (2, 3))
    slopes -= slopes.mean(1, keepdims=True)  # at most 4/15 each way: no weight is below 0
    weights = 1 / 3 + np.outer(u, slopes[0]) + np.outer(v, slopes[1])
    corner = np.arange(side * side).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]))
    person = any_person(0, side * side, 4)
    person = replace(
        person,
        positions=places.astype(np.float32),
        smooth=np.arange(side * side, dtype=np.int32),
        bones=np.tile(np.arange(4, dtype=np.int32), (side * side, 1)),
        weights=np.concatenate([weights, np.zeros((len(u), 1))], axis=1).astype(np.float32),
        triangles=np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32),
    )
    return person, slopes.T @ axes[:2]


@settings(deadline=None)
@given(integers(0, 2**32))
def test_normals_are_those_of_the_bent_surface(seed: int) -> None:
    """By the derivative of linear blend skinning, which a fit of even slopes finds exactly."""
    rng = keyed_rng(seed, "sheet")
    person, slopes = sheet(rng, 4)
    turns = np.linalg.qr(rng.normal(size=(4, 3, 3)))[0]
    transforms = np.concatenate([turns, rng.uniform(-0.3, 0.3, (4, 3, 1))], axis=2)
    flesh = flesh_of(person)
    _, rest = bent(flesh, np.tile(np.eye(3, 4), (4, 1, 1)))
    _, normals = bent(flesh, transforms)
    for i, place in enumerate(person.positions.astype(np.float64)):
        moved = transforms[:3] @ np.append(place, 1)
        jacobian = np.tensordot(person.weights[i, :3], turns[:3], 1) + moved.T @ slopes
        along, beside = np.linalg.svd(rest[i][None])[2][1:]
        wanted = np.cross(jacobian @ along, jacobian @ beside) * np.sign(np.cross(along, beside) @ rest[i])
        if np.linalg.norm(wanted) > 0.05:  # else it is folded onto itself
            np.testing.assert_allclose(normals[i], wanted / np.linalg.norm(wanted), atol=1e-3)


def test_normals_of_what_hangs_on_one_bone_turn_with_it() -> None:
    person = any_person(1, 80, 4)
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (80, 1))
    person = replace(person, weights=weights, bones=person.bones * 0 + np.arange(4))
    flesh, turn = flesh_of(person), np.linalg.qr(keyed_rng(1, "turn").normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    _, rest = bent(flesh, np.tile(np.eye(3, 4), (4, 1, 1)))
    _, turned = bent(flesh, np.tile(np.column_stack([turn, [0.1, 0.2, 0.3]]), (4, 1, 1)))
    np.testing.assert_allclose(turned, rest @ turn.T, atol=1e-5)
