"""The codec's kernels against the formulas of ITU-T H.264 as written there, in plain NumPy."""

import numpy as np
import pytest
import warp as wp
from hypothesis import given, settings, strategies as st

from closerlook.compute.kernels import start_warp
from closerlook.synthesis.rendering.sensing import video
from closerlook.synthesis.rendering.sensing.video import through_video
from closerlook.synthesis.scenes.sensor import Sensor

# The standard's matrices: forward core transform, its inverse, and which class a coefficient is of
FORWARD = np.array([[1, 1, 1, 1], [2, 1, -1, -2], [1, -1, -1, 1], [1, -2, 2, -1]])
CLASS = np.array([[0, 2, 0, 2], [2, 1, 2, 1], [0, 2, 0, 2], [2, 1, 2, 1]])


def one_dimension(w):
    """Equations 8-338 to 8-345: the inverse of one line."""
    e0, e1 = w[0] + w[2], w[0] - w[2]
    e2, e3 = (w[1] >> 1) - w[3], w[1] + (w[3] >> 1)
    return np.array([e0 + e3, e1 + e2, e1 - e2, e0 - e3])


def coded_block(block, qp):
    coefficients = FORWARD @ block @ FORWARD.T
    factor = np.array(video.FACTORS[qp % 6])[CLASS]
    bits = 15 + qp // 6
    level = np.sign(coefficients) * ((np.abs(coefficients) * factor + (1 << bits) // 3) >> bits)
    scaled = level * np.array(video.STEPS[qp % 6])[CLASS] << qp // 6
    lines = np.array([one_dimension(line) for line in scaled])
    return np.clip((np.array([one_dimension(line) for line in lines.T]).T + 32) >> 6, -128, 127)


def filter_line(samples, qp, luma):
    """Clause 8.7.2.3 for strength 3, along one line of samples, in place."""
    alpha, beta, reach = video.ALPHAS[qp], video.BETAS[qp], video.REACHES[qp]
    for edge in range(4, len(samples), 4):
        p, q = samples[edge - 1 : edge - 4 : -1].tolist(), samples[edge : edge + 3].tolist()
        if abs(p[0] - q[0]) >= alpha or abs(p[1] - p[0]) >= beta or abs(q[1] - q[0]) >= beta:
            continue
        flat_p, flat_q = abs(p[2] - p[0]) < beta, abs(q[2] - q[0]) < beta
        most = reach + flat_p + flat_q if luma else reach + 1
        step = int(np.clip(((q[0] - p[0]) * 4 + p[1] - q[1] + 4) >> 3, -most, most))
        middle = (p[0] + q[0] + 1) >> 1
        if luma and flat_p:
            samples[edge - 2] += int(np.clip((p[2] + middle - 2 * p[1]) >> 1, -reach, reach))
        if luma and flat_q:
            samples[edge + 1] += int(np.clip((q[2] + middle - 2 * q[1]) >> 1, -reach, reach))
        samples[edge - 1], samples[edge] = np.clip([p[0] + step, q[0] - step], -128, 127)


def coded_plane(plane, qp, luma):
    plane = plane.copy()
    for y in range(0, plane.shape[0], 4):
        for x in range(0, plane.shape[1], 4):
            plane[y : y + 4, x : x + 4] = coded_block(plane[y : y + 4, x : x + 4], qp)
    for line in [*plane, *plane.T]:
        filter_line(line, qp, luma)
    return plane


def enlarged(plane):
    """16 times the plane at twice its size: three quarters of a sample and a quarter of its neighbor, either way."""
    for _ in range(2):
        padded = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
        above, below = 3 * plane + padded[:-2], 3 * plane + padded[2:]
        plane = np.stack([above, below], axis=1).reshape(-1, plane.shape[1]).T
    return plane


def reference(image, sensor):
    height, width = image.shape[:2]
    down, right = sensor.grid_down, sensor.grid_right
    after = [(-(side + 7) % 8) + 7 - start for side, start in ((height, down), (width, right))]
    red, green, blue = np.moveaxis(
        np.pad(image.astype(int), ((down, after[0]), (right, after[1]), (0, 0)), mode="edge"), 2, 0
    )
    gray = ((77 * red + 150 * green + 29 * blue + 128) >> 8) - 128
    fours = [c.reshape(c.shape[0] // 2, 2, c.shape[1] // 2, 2).sum((1, 3)) for c in (red, green, blue)]
    cb = (-43 * fours[0] - 85 * fours[1] + 128 * fours[2] + 512) >> 10
    cr = (128 * fours[0] - 107 * fours[1] - 21 * fours[2] + 512) >> 10
    qp = sensor.video
    color_qp = qp if qp < 30 else video.COLOR_QP[qp - 30]
    gray = (coded_plane(gray, qp, True) + 128) * 4096 + 2048
    cb, cr = enlarged(coded_plane(cb, color_qp, False)), enlarged(coded_plane(cr, color_qp, False))
    colors = np.stack([gray + 359 * cr, gray - 88 * cb - 183 * cr, gray + 454 * cb], axis=2) >> 12
    return np.clip(colors, 0, 255)[down : down + height, right : right + width]


def recorded(images, sensor):
    start_warp()
    count, height, width, _ = images.shape
    array = wp.array(images.reshape(count, -1, 3), dtype=wp.vec3ub, device="cpu")
    through_video(
        array, (height, width), sensor, lambda kernel, dim, inputs: wp.launch(kernel, dim, inputs, device="cpu")
    )
    return array.numpy().reshape(images.shape)


def pictures(seed, count, height, width):
    """Steps, slopes and noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, 5, 5, 3)).repeat(-(-height // 5), 1).repeat(-(-width // 5), 2)
    slope = np.linspace(0, 60, width)[:, None] + rng.normal(0, rng.uniform(0, 12), (count, height, width, 3))
    return np.clip(coarse[:, :height, :width] * 0.7 + slope, 0, 255).astype(np.uint8)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 10**6),
    st.integers(1, 51),
    st.integers(0, 7),
    st.integers(0, 7),
    st.integers(9, 30),
    st.integers(9, 21),
)
def test_pictures_come_back_as_the_standard_says(seed, qp, down, right, height, width):
    images = pictures(seed, 3, height, width)
    sensor = Sensor(video=qp, grid_down=down, grid_right=right)
    assert (recorded(images, sensor) == [reference(image, sensor) for image in images]).all()


def test_a_picture_does_not_depend_on_those_beside_it():
    images, sensor = pictures(0, 19, 24, 16), Sensor(video=30, grid_down=3)
    together = recorded(images, sensor)
    assert all((recorded(images[i : i + 1], sensor) == together[i]).all() for i in (0, 7, 8, 18))


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_quantiser_and_its_inverse_undo_each_other_and_double_every_six(kind):
    """Gain of both transforms is 16, 25 and 20 by class; the inverse is over 64."""
    gain = (16, 25, 20)[kind] / 64
    for qp in range(6):
        assert video.FACTORS[qp][kind] * video.STEPS[qp][kind] * gain == pytest.approx(2**15, rel=2e-4)
    steps = np.array([video.quantizers(qp)[0, 3 + kind] for qp in range(52)])
    assert (steps[6:] == 2 * steps[:-6]).all()


def test_the_coarser_the_quantiser_the_more_is_lost():
    image = pictures(3, 1, 64, 32)[..., :1].repeat(3, axis=3)
    losses = [
        np.square(recorded(image, Sensor(video=qp)).astype(float) - image).mean() for qp in (4, 16, 24, 32, 40, 48)
    ]
    assert losses == sorted(losses) and losses[-1] > 4 * losses[1]
