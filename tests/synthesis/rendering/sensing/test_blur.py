"""Blur of surfaces: closed forms, and what it must keep."""

import numpy as np
import pytest
import warp as wp
from scipy.ndimage import correlate1d

from closerlook.compute.kernels import start_warp
from closerlook.synthesis.rendering.sensing import blur
from closerlook.synthesis.rendering.sensing.optics import optics
from closerlook.synthesis.rendering.values import Blur
from closerlook.synthesis.scenes.sensor import Sensor

SIZE = (128, 64)


def blurred(surfaces, sensors, run=64):
    """Surfaces (V, 2, H, W, 4) after all passes of each view's sensor."""
    start_warp()
    count = len(sensors)
    made = optics(sensors, SIZE, count)
    assert (made.sizes == SIZE).all() and (made.softness == 0).all()  # nothing is resampled before
    arrays = [wp.array(np.concatenate([s, np.zeros_like(s)]), dtype=wp.vec4, device="cpu") for s in surfaces]
    taps = wp.array(made.taps, dtype=wp.vec3, device="cpu")
    for rows in made.rounds:
        dim = (len(rows), SIZE[0], -(-SIZE[1] // run))
        wp.launch(blur.blur_surfaces, dim, [wp.array(rows, dtype=Blur, device="cpu"), taps, *arrays, run], device="cpu")
    return [array.numpy()[made.slot] for array in arrays]


def views(count, seed=0):
    """A round person before a wall."""
    rng = np.random.default_rng(seed)
    color, facing, where = (np.zeros((count, 2, *SIZE, 4), np.float32) for _ in range(3))
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    round_off = (x - 31.5) / 16
    share = np.where((np.abs(round_off) < 1) & (y > 20) & (y < 110), rng.choice([0.5, 1.0, 1.0], SIZE), 0)
    turned = np.stack([round_off, 0 * round_off, np.sqrt(np.clip(1 - round_off**2, 0.01, None))], 2)
    for layer, covered in enumerate((share, 1 - share)):
        color[:, layer, ..., :3] = 0.2 + 0.5 * rng.random((count, *SIZE, 3))
        color[:, layer, ..., 3] = covered
        facing[:, layer, ..., :3] = turned if layer == 0 else [0, 0, 1]
        facing[:, layer, ..., 3] = 0.6
        where[:, layer] = np.stack([0.01 * x, 0.01 * y, np.full(SIZE, -2.0 * layer), 0 * x], 2)
        for surface in (color, facing, where):
            surface[:, layer] *= (covered > 0)[..., None]
    return color, facing, where


def test_the_lens_blurs_color_and_coverage_by_a_gaussian():
    focus = 2.0
    surfaces = views(1)
    color, facing, where = blurred(surfaces, [Sensor(focus=focus)])
    steps = np.arange(-5, 6)
    weights = np.exp(-0.5 * (steps / focus) ** 2) * (np.abs(steps) <= 4)
    mean = np.concatenate([surfaces[0][0, ..., :3], np.ones((2, *SIZE, 1))], 3) * surfaces[0][0, ..., 3:]
    for axis in (1, 2):
        mean = correlate1d(mean, weights / weights.sum(), axis=axis, mode="nearest")
    np.testing.assert_allclose(color[0, ..., 3], mean[..., 3], atol=1e-5)
    shown = color[0, ..., :3] * color[0, ..., 3:]
    np.testing.assert_allclose(shown, mean[..., :3], atol=1e-5)
    covered = color[0, ..., 3] > 0
    np.testing.assert_allclose(np.linalg.norm(facing[0][covered][:, :3], axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(where[0, 0][covered[0]][:, 2], 0)  # neither layer's positions are the other's
    np.testing.assert_array_equal(where[0, 1][covered[1]][:, 2], -2)
    own = covered[1] & (surfaces[0][0, 1, ..., 3] > 0)
    np.testing.assert_array_equal(where[0, 1][own], surfaces[2][0, 1][own])


def test_who_moves_is_smeared_before_a_sharp_place():
    surfaces = views(1)
    color, _, _ = blurred(surfaces, [Sensor(motion=4.0)])
    line = np.concatenate([np.arange(9) / 8 * 4 - 2])
    weights = np.bincount(np.rint(line).astype(int) + 2) / 9
    share = correlate1d(surfaces[0][0, 0, ..., 3].astype(float), weights, axis=1, mode="nearest")
    np.testing.assert_allclose(color[0, 0, ..., 3], share, atol=1e-5)
    np.testing.assert_allclose(color[0, 1, ..., 3][share < 0.999], 1 - share[share < 0.999], atol=1e-5)
    kept = (surfaces[0][0, 1, ..., 3] > 0) & (color[0, 1, ..., 3] > 0)
    np.testing.assert_array_equal(color[0, 1, ..., :3][kept], surfaces[0][0, 1, ..., :3][kept])


def test_a_view_is_as_it_is_alone():
    """Whatever else is in the batch, and however many pixels a thread does."""
    sensors = [Sensor(focus=1.6), Sensor(), Sensor(motion=3.0, motion_angle=30), Sensor(focus=0.9, motion=2.0)]
    surfaces = views(4, 1)
    together = blurred(surfaces, sensors)
    covered = together[0][..., 3] > 0
    for a, b in zip(together, blurred(surfaces, sensors, run=5), strict=True):
        assert np.array_equal(a[covered], b[covered])
    for i in range(4):
        alone = blurred([s[i : i + 1] for s in surfaces], sensors[i : i + 1])
        for a, b in zip(together, alone, strict=True):
            assert np.array_equal(a[i][covered[i]], b[0][covered[i]])


@pytest.mark.parametrize("motion", [0.2, 0.9])
def test_who_moves_by_less_than_a_pixel_is_not_smeared(motion):
    assert optics([Sensor(motion=motion)], SIZE, 1).rounds == ()
