"""Mosaic and smoothing of color against their textbook forms, in plain NumPy."""

import numpy as np
import pytest
import warp as wp
from hypothesis import given, settings, strategies as st
from scipy.ndimage import convolve, correlate1d

from closerlook.compute.kernels import start_warp
from closerlook.synthesis.rendering.sensing import blur, mosaic
from closerlook.synthesis.rendering.sensing.optics import NOISE_UNIT, gaussian_taps, noise_tile, optics
from closerlook.synthesis.rendering.values import VIEW_PARAMETERS_ROW, ViewParameters
from closerlook.synthesis.scenes.sensor import Sensor

# Malvar, He and Cutler (2004), figure 2, in eighths
GREEN = np.array([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]) / 8
ALONG_ROW = (
    np.array([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]) / 8
)
OPPOSITE = (
    np.array([[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]) / 8
)
MEANS = {
    "green": np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]) / 4,
    "along": np.array([[0, 0, 0], [1, 0, 1], [0, 0, 0]]) / 2,
    "opposite": np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]]) / 4,
}


def textbook(image, kind, down, right):
    """Each color by the kernel for the place of the pixel in the pattern RG / GB."""
    height, width, _ = image.shape
    rows, columns = np.mgrid[down : down + height, right : right + width]
    blue_row, odd = rows % 2 == 1, columns % 2 == 1
    red_pixel, blue_pixel = ~blue_row & ~odd, blue_row & odd
    raw = np.select([red_pixel, blue_pixel], [image[..., 0], image[..., 2]], image[..., 1])
    green, along, opposite = (GREEN, ALONG_ROW, OPPOSITE) if kind == 2 else MEANS.values()
    at_green, of_row, of_other = (convolve(raw, k, mode="mirror") for k in (green, along, opposite))
    of_column = convolve(raw, along.T, mode="mirror")
    red = np.select([red_pixel, blue_pixel, blue_row], [raw, of_other, of_column], of_row)
    blue = np.select([blue_pixel, red_pixel, blue_row], [raw, of_other, of_row], of_column)
    return np.maximum(np.stack([red, np.where(red_pixel | blue_pixel, at_green, raw), blue], axis=2), 0)


def on_cpu(values, kind):
    start_warp()
    return wp.array(values, dtype=kind, device="cpu")


def filled_in(color, kind, down=0, right=0):
    """Colors and coverage of two layers after the mosaic."""
    _, height, width, _ = color.shape
    surface = on_cpu(color.astype(np.float32)[None], wp.vec4)
    views = np.zeros(1, VIEW_PARAMETERS_ROW)
    for name, value in {"mosaic": kind, "mosaic_down": down, "mosaic_right": right}.items():
        views[name] = value
    views["height"], views["width"] = height, width
    views = on_cpu(views, ViewParameters)
    raw = on_cpu(np.zeros((1, height, width), np.float32), wp.float32)
    wp.launch(mosaic.sift, (1, height, 1), [views, surface, raw, width], device="cpu")
    wp.launch(mosaic.fill_in, (1, height, 2), [views, raw, surface, (width + 1) // 2], device="cpu")
    return surface.numpy()[0]


def layers(image, share):
    """The image as two layers that share its pixels."""
    color = np.concatenate([np.stack([image, image]), np.stack([share, 1 - share])[..., None]], axis=3)
    return np.where(color[..., 3:] > 0, color, 0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([1, 2]), st.integers(0, 1), st.integers(0, 1))
def test_colors_are_filled_in_by_the_published_kernels(seed, kind, down, right):
    image = np.random.default_rng(seed).random((11, 9, 3))
    found = filled_in(layers(image, np.ones((11, 9))), kind, down, right)
    np.testing.assert_allclose(found[0, ..., :3], textbook(image, kind, down, right), atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([1, 2]))
def test_two_layers_together_look_as_one(seed, kind):
    rng = np.random.default_rng(seed)
    image, share = 0.3 + 0.4 * rng.random((12, 10, 3)), np.zeros((12, 10))
    share[3:9, 2:7] = rng.choice([0.25, 0.5, 1.0], (6, 5))
    found = filled_in(layers(image, share), kind)
    np.testing.assert_allclose(found[..., 3], [share, 1 - share], atol=1e-6)
    shown = (found[..., :3] * found[..., 3:]).sum(0)
    np.testing.assert_allclose(shown, textbook(image, kind, 0, 0), atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([1, 2]))
def test_an_outline_has_no_dots(seed, kind):
    """Dark before light: nothing becomes lighter than the picture as a whole would, however little of a layer shows."""
    rng = np.random.default_rng(seed)
    share = np.zeros((14, 12))
    share[4:10, 4:8] = rng.choice([0.02, 0.3, 0.7, 1.0], (6, 4))
    color = np.zeros((2, 14, 12, 4))
    color[0, ..., :3], color[1, ..., :3] = 0.02, 0.6
    color[..., 3] = share, 1 - share
    whole = (color[..., :3] * color[..., 3:]).sum(0)
    found = filled_in(color, kind)
    shown = (found[..., :3] * found[..., 3:]).sum(0)
    both = (share > 0) & (share < 1)  # where the darker layer may be cut off at 0, the other one gives no less
    np.testing.assert_allclose(shown[~both], textbook(whole, kind, 0, 0)[~both], atol=1e-5)
    assert (shown <= np.maximum(textbook(whole, kind, 0, 0), 0.02 * share[..., None] + whole) + 1e-5).all()


def test_gray_stays_gray():
    image = np.full((10, 8, 3), 0.4)
    for kind in (1, 2):
        found = filled_in(layers(image, np.ones((10, 8))), kind)
        np.testing.assert_allclose(found[0, ..., :3], 0.4, atol=1e-6)


def test_an_edge_gets_fringes_of_color_and_fewer_with_gradients():
    image = np.full((16, 16, 3), 0.1)
    image[:, 8:] = 0.7
    fringe = [np.ptp(filled_in(layers(image, np.ones((16, 16))), kind)[0, ..., :3], axis=2).max() for kind in (1, 2)]
    assert 0.1 < fringe[1] < fringe[0]


def side(sigma):
    (weights,), (count,) = gaussian_taps(np.array([sigma]))
    return weights[:count]


def recolored(color, sigma, run=100):
    """Colors and coverage after a blur of color by ``sigma`` means of 2 x 2 pixels."""
    _, height, width, _ = color.shape
    down, across = (height + 1) // 2, (width + 1) // 2
    surface = on_cpu(color.astype(np.float32)[None], wp.vec4)
    chroma, spare = (on_cpu(np.full((1, down, across, 2), np.nan, np.float32), wp.vec2) for _ in range(2))
    taps = side(sigma)
    views = np.zeros(1, VIEW_PARAMETERS_ROW)
    views["chroma_tap_count"] = len(taps)
    views, taps = on_cpu(views, ViewParameters), on_cpu(taps[None], wp.float32)
    parts = -(-across // run)
    wp.launch(blur.separate, (1, down, parts), [views, surface, chroma, run], device="cpu")
    wp.launch(blur.soften, (1, down, parts), [views, taps, chroma, 0, spare, run], device="cpu")
    wp.launch(blur.soften, (1, down, parts), [views, taps, spare, 1, chroma, run], device="cpu")
    wp.launch(blur.recolor, (1, height, parts), [views, chroma, surface, run], device="cpu")
    return surface.numpy()[0]


def enlarged(values, length, axis):
    """Linear interpolation to twice as many places, the values being in the middle of each two."""
    places = (np.arange(length) + 0.5) / 2 - 0.5
    return np.apply_along_axis(lambda line: np.interp(places, np.arange(len(line)), line), axis, values)


WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def person_before_wall(height, width):
    rng = np.random.default_rng(0)
    image = 0.5 + 0.02 * rng.random((height, width, 3))
    image[8:16, 6:14] = [0.62, 0.45, 0.4]
    share = np.zeros((height, width))
    share[8:16, 6:14] = 1
    share[7, 6:14] = 0.5
    return image, share


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.5, 3.0])
@pytest.mark.parametrize("size", [(24, 20), (23, 19)])
def test_color_is_smoothed_and_brightness_is_not(sigma, size):
    """In even light the sum of the layers is what smoothing the shown picture's color would give."""
    image, share = person_before_wall(*size)
    shown = np.sqrt(image)
    gray = (shown @ WEIGHTS)[..., None]
    even = np.pad(shown - gray, [(0, size[0] % 2), (0, size[1] % 2), (0, 0)], mode="edge")
    means = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    taps = np.concatenate([side(sigma)[:0:-1], side(sigma)])
    smooth = correlate1d(correlate1d(means, taps, axis=0, mode="nearest"), taps, axis=1, mode="nearest")
    smooth = enlarged(enlarged(smooth, size[0], 0), size[1], 1) + gray
    found = recolored(layers(image, share), sigma)
    shown = (found[..., :3] * found[..., 3:]).sum(0)
    np.testing.assert_allclose(shown, smooth**2, atol=1e-5)
    np.testing.assert_allclose(np.sqrt(shown) @ WEIGHTS, gray[..., 0], atol=1e-5)
    assert np.array_equal(found, recolored(layers(image, share), sigma, run=3))


@pytest.mark.parametrize("asked", [1.5, 3.0])
def test_color_is_blurred_as_far_as_a_sensor_says(asked):
    """A red dot in gray becomes a blotch of that standard deviation."""
    made = optics([Sensor(color_blur=asked)], (128, 64), 1)
    weights = made.chroma_taps[0, : made.chroma_tap_count[0]].astype(float)
    sigma = np.sqrt(2 * (weights[1:] * np.arange(1, len(weights)) ** 2).sum())
    image = np.full((64, 64, 3), 0.4)
    image[30:32, 30:32, 0] += 0.01
    found = recolored(layers(image, np.ones((64, 64))), sigma)
    red = np.sqrt(found[0, ..., 0]) - np.sqrt(found[0, ..., :3]) @ WEIGHTS
    line = (red - red[0, 0]).sum(0)
    place = np.arange(64) - 30.5
    assert np.sqrt((line * place**2).sum() / line.sum()) == pytest.approx(asked, rel=0.1)


@given(st.floats(0.06, 6))
def test_a_bell_sums_to_one_and_is_as_wide_as_asked(sigma):
    weights = side(sigma).astype(float)
    assert weights[0] + 2 * weights[1:].sum() == pytest.approx(1, abs=1e-6)
    spread = np.sqrt(2 * (weights[1:] * np.arange(1, len(weights)) ** 2).sum())
    assert spread == pytest.approx(sigma, rel=0.13)


def test_noise_has_its_unit_and_blotches_in_color():
    """Neighbors' colors go together where their brightness does not any more, and are far weaker."""
    noise = noise_tile().astype(float)
    gray = noise @ [0.299, 0.587, 0.114]
    red = noise[..., 0] - gray

    def alike(plane, lag):
        return np.corrcoef(plane.ravel(), np.roll(plane, lag, axis=1).ravel())[0, 1]

    assert gray.std() == pytest.approx(NOISE_UNIT, rel=0.02)
    assert alike(gray, 3) < 0.1 < 0.5 < alike(red, 3)
    assert red.std() < 0.5 * gray.std()
