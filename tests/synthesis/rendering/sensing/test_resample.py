"""Resampling of surfaces against its weights written out, and what it must keep."""

import numpy as np
import pytest
import warp as wp

from closerlook.compute.kernels import start_warp
from closerlook.synthesis.rendering.sensing import resample
from closerlook.synthesis.rendering.values import VIEW_PARAMETERS_ROW, ViewParameters

HEIGHT, WIDTH = 24, 16


def resampled(surfaces, sizes, softness, run=WIDTH):
    """Surfaces (color, facing, where), each (V, 2, HEIGHT, WIDTH, 4), after resampling from sensors of ``sizes``."""
    start_warp()
    count = len(sizes)
    arrays = [wp.array(np.concatenate([s, np.zeros_like(s)]), dtype=wp.vec4, device="cpu") for s in surfaces]
    views = np.zeros(count, VIEW_PARAMETERS_ROW)
    views["height"], views["width"] = np.array(sizes).T
    views["softness"] = softness
    views = wp.array(views, dtype=ViewParameters, device="cpu")
    dim = (count, HEIGHT, -(-WIDTH // run))
    wp.launch(resample.resample, dim, [views, count, *arrays, run], device="cpu")
    return [array.numpy()[count:] for array in arrays]


def views(seed, sizes):
    """A person with ragged outlines before a wall and a ground, on sensors of these sizes."""
    rng = np.random.default_rng(seed)
    shape = (len(sizes), 2, HEIGHT, WIDTH)
    color, facing, where = (np.zeros((*shape, 4), np.float32) for _ in range(3))
    for i, (height, width) in enumerate(sizes):
        share = np.zeros((height, width), np.float32)
        share[height // 4 : -2, width // 4 : -width // 4] = rng.choice([0.0, 0.25, 1.0, 1.0], (1,))
        share[height // 3 : -4, width // 3 : -width // 3] = 1.0
        share *= rng.choice([0.75, 1.0, 1.0], share.shape)
        sensor = (slice(None, height), slice(None, width))
        for layer, covered in enumerate((share, 1 - share)):
            color[i, layer][sensor] = np.concatenate(
                [0.2 + 0.5 * rng.random((height, width, 3)), covered[..., None]], 2
            )
            y, x = np.mgrid[:height, :width] / height
            ground = (y > 0.6) & (layer == 1)
            facing[i, layer][sensor] = np.where(ground[..., None], [0, 1, 0, 0.5], [0, 0, 1, 0.7])
            plane = np.stack([x, 1 - y, np.full_like(x, -3.0 * layer), 0.1 * x], 2)
            where[i, layer][sensor] = np.where(ground[..., None], np.stack([x, 0 * x, -3 + 5 * y, 0 * x], 2), plane)
            for surface in (color, facing, where):
                surface[i, layer][sensor] *= (covered > 0)[..., None]
    return color, facing, where


def along(places, count, softness):
    """(n, count) weights by which ``count`` pixels are resampled to n."""
    middle = (np.arange(places) + 0.5) * count / places - 0.5
    near = np.floor(middle + 0.5).astype(int)
    o = middle - near
    weights = np.zeros((places, count))
    for step, w in ((-1, o * o / 2 - o / 2), (0, 1 - o * o), (1, o * o / 2 + o / 2)):
        w = w + (softness if step else -2 * softness)
        np.add.at(weights, (np.arange(places), np.clip(near + step, 0, count - 1)), w)
    return weights


@pytest.mark.parametrize(
    ("size", "softness"), [((24, 16), -0.06), ((24, 16), 0.2), ((19, 13), -0.06), ((19, 13), 0.0), ((9, 8), 0.2)]
)
def test_color_and_coverage_are_resampled_by_the_quadratic(size, softness):
    surfaces = views(0, [size])
    found, _, _ = resampled(surfaces, [size], softness)
    down, across = along(HEIGHT, size[0], softness), along(WIDTH, size[1], softness)
    old = surfaces[0][0, :, : size[0], : size[1]]
    mean = np.einsum("yv,lvuc,xu->lyxc", down, np.concatenate([old[..., :3] * old[..., 3:], old[..., 3:]], 3), across)
    share = np.clip(mean[..., 3], 0, 1)
    np.testing.assert_allclose(found[0, ..., 3], share, atol=1e-5)
    clear = share > 0.1  # far from where the layer is hardly there
    expected = mean[..., :3] / np.maximum(mean[..., 3:], 1e-3)
    right = np.isclose(found[0, ..., :3], expected, atol=1e-4).all(-1)
    assert right[clear].mean() > 0.97  # what sharpening would make blacker than a quarter of a neighbor is not
    assert (found[0, ..., :3][clear] >= np.minimum(expected, 0.05)[clear] - 1e-5).all()
    assert (found[0, ..., :3][~right & clear] > expected[~right & clear] - 1e-4).all()


def test_layers_share_each_pixel():
    found, _, _ = resampled(views(1, [(19, 13)]), [(19, 13)], -0.05)
    np.testing.assert_allclose(found[0, ..., 3].sum(0), 1, atol=1e-5)


def test_positions_stay_on_their_surface():
    """Each is on the wall, on the ground or on the person, never between two of them, and moves on evenly."""
    size = (19, 13)
    color, facing, where = resampled(views(2, [size]), [size], 0.1)
    covered = color[0, ..., 3] > 0
    person, place = where[0, 0][covered[0]], where[0, 1][covered[1]]
    np.testing.assert_allclose(person[:, 2], 0, atol=1e-6)
    np.testing.assert_allclose(np.minimum(np.abs(place[:, 1]), np.abs(place[:, 2] + 3)), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(facing[0][covered][:, :3], axis=1), 1, atol=1e-5)
    inside = color[0, 1, 2:8, 1:, 3] * color[0, 1, 2:8, :-1, 3] == 1
    steps = np.diff(where[0, 1, 2:8, :, 0], axis=1)[inside]
    half_pixels = steps * size[0] / (size[1] / WIDTH)
    assert (half_pixels[1:-1] > -1e-5).all()
    assert np.median(half_pixels) == pytest.approx(1, rel=1e-3)


def test_a_view_is_as_it_is_alone():
    """Whatever else is in the batch, and however many pixels a thread does."""
    sizes = [(19, 13), (24, 16), (9, 8), (23, 16)]
    surfaces, softness = views(3, sizes), np.array([0.1, 0.0, -0.05, 0.0])
    together = resampled(surfaces, sizes, softness)
    covered = together[0][..., 3] > 0
    for run in (1, 5):
        for a, b in zip(together, resampled(surfaces, sizes, softness, run), strict=True):
            assert np.array_equal(a[covered], b[covered])
    for i in (0, 2, 3):
        alone = resampled([s[i : i + 1] for s in surfaces], sizes[i : i + 1], softness[i])
        for a, b in zip(together, alone, strict=True):
            assert np.array_equal(a[i][covered[i]], b[0][covered[i]])
    assert not together[0][1].any()  # of the image's size and not softened: it stays where it was
