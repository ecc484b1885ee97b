"""What sensors do, told of many at once: each as it is alone."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.synthesis.rendering.light.expose import TONE_TOP
from closerlook.synthesis.rendering.sensing.optics import gaussian_taps, optics, tone_curves
from closerlook.synthesis.scenes.sensor import Sensor, sample_sensor

SIZE = (128, 64)
CAPACITY = 64


def sensors(seed, count):
    rng = np.random.default_rng(seed)
    return [sample_sensor(rng, str(rng.choice(["clean", "cctv", "phone"]))) for _ in range(count)]


def passes(made, view):
    """What, from slot, to slot and taps of each pass of a view, in order."""
    rows = [row for rows in made.rounds for row in rows if row["source"] % CAPACITY == view]
    numbers = [(int(row["what"]), int(row["source"]) // CAPACITY, int(row["target"]) // CAPACITY) for row in rows]
    return numbers, [made.taps[row["first_tap"] : row["end_tap"]].tolist() for row in rows]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 40), st.sampled_from([(64, 32), (128, 64), (384, 192)]))
def test_a_sensor_is_as_it_is_alone(seed, count, size):
    drawn = sensors(seed, count)
    made, curves = optics(drawn, size, CAPACITY), tone_curves(drawn)
    for view in {0, count // 2, count - 1}:
        alone = optics(drawn[view : view + 1], size, CAPACITY)
        for name in ("sizes", "softness", "chroma_tap_count"):
            assert np.array_equal(getattr(made, name)[view], getattr(alone, name)[0])
        assert made.slot[view] // CAPACITY == alone.slot[0] // CAPACITY
        used = made.chroma_tap_count[view]
        assert np.array_equal(made.chroma_taps[view, :used], alone.chroma_taps[0, :used])
        assert passes(made, view) == passes(alone, 0)
        assert np.array_equal(curves[view], tone_curves(drawn[view : view + 1])[0])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_passes_follow_one_another(seed):
    """Each starts where the one before it ended, the last ends at the slot; weights sum to 1."""
    drawn = sensors(seed, 12)
    made = optics(drawn, SIZE, CAPACITY)
    for view, sensor in enumerate(drawn):
        resampled = tuple(made.sizes[view]) != SIZE or made.softness[view] != 0
        at = view + CAPACITY * resampled
        own = [row for rows in made.rounds for row in rows if row["source"] % CAPACITY == view]
        for row in own:
            assert row["source"] == at
            at = row["target"]
            weights = made.taps[row["first_tap"] : row["end_tap"], 2]
            assert len(weights) > 1 and weights.min() > 0
            assert weights.sum() == pytest.approx(1, abs=1e-6)
        assert made.slot[view] == at
        assert tuple(made.sizes[view]) == tuple(max(round(side * sensor.scale), 8) for side in SIZE)


def test_softness_takes_a_little_blur_upon_itself():
    made = optics([Sensor(focus=0.5), Sensor(focus=2.0, softness=0.1), Sensor(focus=0.4, scale=0.5)], SIZE, CAPACITY)
    np.testing.assert_allclose(made.softness, [0.125, 0.1, 0.02])
    assert [len(passes(made, view)[0]) for view in range(3)] == [0, 2, 0]


@given(st.lists(st.just(0.0) | st.floats(0.01, 9), min_size=1, max_size=6))
def test_bells_sum_to_one(sigma):
    weights, count = gaussian_taps(np.array(sigma))
    weights = weights.astype(float)
    np.testing.assert_allclose(weights[:, 0] + 2 * weights[:, 1:].sum(1), 1, atol=1e-6)
    assert ((weights > 0) == (np.arange(weights.shape[1]) < count[:, None])).all()


def test_tone_curves_are_straight_up_to_the_knee_and_bend_after_it():
    curve = tone_curves([Sensor(knee=0.6)])[0]
    light = np.linspace(0, 1, 4096) ** 2 * float(TONE_TOP)
    straight = light < 0.6
    np.testing.assert_allclose(curve[straight], 255 * light[straight] ** (1 / 2.2), atol=0.05)
    assert (np.diff(curve) >= 0).all()
    assert curve[~straight].max() < 255
