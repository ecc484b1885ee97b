"""Open sky: spheres of bodies, darkening by spheres in closed form, and samples shared only on one surface."""

import numpy as np
import pytest
import warp as wp
from hypothesis import given, settings, strategies as st

from closerlook.compute.kernels import start_warp
from closerlook.synthesis.rendering.light import body_spheres, occlusion
from closerlook.synthesis.rendering.light.occluder_spheres import SPHERES, spirals
from closerlook.synthesis.rendering.values import VIEW_PARAMETERS_ROW, ViewParameters

HEIGHT, WIDTH = 24, 16
METERS, REACH = 0.22, 6.0
NOBODY = np.zeros((SPHERES, 4), np.float32)


def on_cpu(values, kind):
    start_warp()
    return wp.array(np.ascontiguousarray(values, dtype=np.float32), dtype=kind, device="cpu")


def open_sky(surfaces, spheres, occluders, run=100):
    """(V, 2, H, W) of surfaces (color, facing, where), spheres of each view's pose and lists of blobs."""
    start_warp()
    count, _, height, width, _ = surfaces[0].shape
    down, across = (height + 1) // 2, (width + 1) // 2
    views = np.zeros(count, VIEW_PARAMETERS_ROW)
    views["slot"] = views["pose"] = np.arange(count)
    views["end_sphere"] = np.cumsum([len(b) for b in occluders])
    views["first_sphere"] = views["end_sphere"] - [len(b) for b in occluders]
    views = wp.array(views, dtype=ViewParameters, device="cpu")
    color, facing, where = (on_cpu(s, wp.vec4) for s in surfaces)
    lights = [on_cpu(spheres, wp.vec4), on_cpu(np.concatenate([*occluders, np.zeros((1, 4))]), wp.vec4)]
    taps = wp.array(spirals(np.full(count, REACH)), dtype=wp.vec2i, device="cpu")
    samples, settled, planes = (on_cpu(np.full((count, down, across, 4), np.nan), wp.vec4) for _ in range(3))
    creases, sky = on_cpu(np.full((count, down, across), np.nan), wp.float32), on_cpu(np.ones(color.shape), wp.float32)
    dim, inputs = (count, down, -(-across // run)), [views, color, facing, where, *lights, taps, METERS]
    wp.launch(occlusion.gather, dim, [views, color, where, samples, run], device="cpu")
    wp.launch(occlusion.occlude, dim, [*inputs, samples, creases, planes, run], device="cpu")
    wp.launch(occlusion.settle, dim, [samples, creases, settled, run], device="cpu")
    dim = (count, height, -(-width // run))
    wp.launch(occlusion.spread, dim, [*inputs, samples, settled, planes, sky, run], device="cpu")
    return sky.numpy()


def past(points, normals, spheres):
    """Share of the sky seen past spheres, in plain NumPy."""
    to_sphere = spheres[:, :3] - points[..., None, :]
    d2 = (to_sphere**2).sum(-1)
    r2 = spheres[:, 3] ** 2
    cosine = np.clip((to_sphere * normals[..., None, :]).sum(-1) / np.sqrt(d2), 0, 1)
    dark = np.where(d2 < body_spheres.REACH**2 * r2, cosine / np.maximum(d2 / np.maximum(r2, 1e-9), 1), 0)
    return (1 - dark).prod(-1)


def wall_and_ground():
    """A ground that ends at a wall in row 9 (the place), and no person."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    wall = y < 9
    right = (x - WIDTH / 2) * 0.1
    points = np.where(
        wall[..., None],
        np.stack([right, (9 - y) * 0.1, np.full(y.shape, -1.5)], 2),
        np.stack([right, 0 * y, -1.5 + 0.15 * (y - 8)], 2),
    )
    normals = np.where(wall[..., None], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    color, facing, where = (np.zeros((1, 2, HEIGHT, WIDTH, 4), np.float32) for _ in range(3))
    color[0, 1], facing[0, 1, ..., :3], where[0, 1, ..., :3] = 1.0, normals, points
    return (color, facing, where), points, normals, wall


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_the_place_is_darkened_by_spheres(seed):
    surfaces, points, normals, wall = wall_and_ground()
    rng = np.random.default_rng(seed)
    occluders = np.concatenate([rng.uniform([-1, 0.2, -1.2], [1, 1, 1], (3, 3)), rng.uniform(0.1, 0.4, (3, 1))], 1)
    body = NOBODY.copy()
    body[:2] = [[0.1, 0.4, 0, 0.1], [-0.1, 0.4, 0, 0.12]]
    poses = on_cpu(body[None], wp.vec4)
    wp.launch(body_spheres.enclose, 1, [poses], device="cpu")
    sky = open_sky(surfaces, poses.numpy(), [occluders])[0, 1]
    expected = past(points, normals, np.concatenate([body[:2], occluders]))
    expected *= np.where(wall, 1 - 0.45 * np.exp(-2.5 * points[..., 1]), 1)
    np.testing.assert_allclose(sky[::2, ::2], expected[::2, ::2], atol=1e-5)
    np.testing.assert_allclose(sky[::2, 1:-1:2], (expected[::2, :-2:2] + expected[::2, 2::2]) / 2, atol=1e-5)
    assert np.abs(sky - expected).mean() < 0.03  # also in row 9, between samples of wall and ground


def test_samples_are_shared_on_one_surface_only():
    """A row of ground below a dark foot of a wall takes nothing from it."""
    surfaces, *_ = wall_and_ground()
    sky = open_sky(surfaces, NOBODY[None], [np.zeros((0, 4))])[0, 1]
    np.testing.assert_array_equal(sky[9:], 1)
    assert sky[8].max() < 0.7


def person(points, normals):
    color, facing, where = (np.zeros((1, 2, HEIGHT, WIDTH, 4), np.float32) for _ in range(3))
    color[0, 0, :, :, 3], facing[0, 0, ..., :3], where[0, 0, ..., :3] = 1.0, normals, points
    return color, facing, where


def test_a_flat_person_sees_all_of_the_sky_and_a_fold_does_not():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    right = (x - WIDTH / 2 + 0.5) * 0.03
    flat = np.stack([right, 1 + y * 0.03, 0 * right], 2)
    sky = open_sky(person(flat, np.broadcast_to([0.0, 0.0, 1.0], flat.shape)), NOBODY[None], [np.zeros((0, 4))])
    assert sky[0, 0].min() > 0.99
    fold = np.stack([right, 1 + y * 0.03, np.abs(right)], 2)
    normals = np.stack([-np.sign(right), 0 * right, np.ones_like(right)], 2) / np.sqrt(2)
    sky = open_sky(person(fold, normals), NOBODY[None], [np.zeros((0, 4))])[0, 0, 6:-6]
    assert sky[:, WIDTH // 2 - 1 : WIDTH // 2 + 1].max() < 0.8 < sky[:, [1, -2]].min()
    np.testing.assert_allclose(sky, sky[:, ::-1], atol=0.12)  # the turns of the taps do not show


def test_both_feet_have_a_sphere():
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 1.7, 4000)
    foot = np.stack([rng.choice([-0.4, 0.4], 4000), y, rng.choice([-0.1, 0.1], 4000)], 1)
    foot[:, [0, 2]] += rng.normal(0, 0.03, (4000, 2))
    foot[:, [0, 2]] = foot[:, [0, 2]] @ np.array([[0.8, 0.6], [-0.6, 0.8]])  # a turn about the vertical
    positions, spheres = on_cpu(foot[None], wp.vec3), on_cpu(np.zeros((1, SPHERES, 4)), wp.vec4)
    wp.launch(body_spheres.bodies, (1, int(body_spheres.BANDS)), [positions, 1, spheres], device="cpu")
    wp.launch(body_spheres.enclose, 1, [spheres], device="cpu")
    found = spheres.numpy()[0]
    turned = np.array([[-0.4, 0], [0.4, 0]]) @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    for band in range(8):
        pair = found[2 * band : 2 * band + 2]
        np.testing.assert_allclose(np.sort(pair[:, 0]), np.sort(turned[:, 0]), atol=0.03)
        np.testing.assert_allclose(pair[:, 1], (band + 0.5) * y.max() / 8, rtol=1e-4)
        np.testing.assert_allclose(pair[:, 3], np.hypot(0.1, 0.03 * np.sqrt(2)), atol=0.02)
    assert found[-1, 3] == pytest.approx((np.hypot(*found[:-1, [0, 2]].T) + body_spheres.REACH * found[:-1, 3]).max())


def test_a_view_is_as_it_is_alone():
    """Whatever else is in the batch, and however many pixels a thread does."""
    place, points, _, _ = wall_and_ground()
    rng = np.random.default_rng(1)
    both = [np.repeat(s, 3, axis=0) for s in place]
    inside = rng.random((3, HEIGHT, WIDTH)) < 0.5
    both[0][:, 0, ..., 3] = inside
    both[1][:, 0, ..., :3] = [0, 0, 1]
    both[2][:, 0, ..., :3] = points + rng.normal(0, 0.03, (3, HEIGHT, WIDTH, 3))
    occluders = [rng.uniform([-1, 0, -1, 0.1], [1, 1, 1, 0.3], (n, 4)) for n in (3, 0, 2)]
    spheres = np.repeat(NOBODY[None], 3, axis=0)
    spheres[:, 0], spheres[:, -1] = [0, 0.5, 0, 0.2], [0, 0, 0, 2]
    together = open_sky(both, spheres, occluders)
    assert np.array_equal(together, open_sky(both, spheres, occluders, run=3))
    for i in range(3):
        alone = open_sky([s[i : i + 1] for s in both], spheres[i : i + 1], occluders[i : i + 1])
        assert np.array_equal(together[i], alone[0])
