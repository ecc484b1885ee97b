import numpy as np
import pytest
from hypothesis import given, strategies as st

from closerlook.errors import UsageError
from closerlook.synthesis.scene.sensor import SENSORS, sample_sensor


def test_an_unknown_sensor_is_a_usage_error():
    with pytest.raises(UsageError, match="Known: clean, cctv, phone"):
        sample_sensor(np.random.default_rng(0), "webcam")


def test_clean_sensors_are_all_alike():
    assert sample_sensor(np.random.default_rng(0), "clean") == SENSORS["clean"]


@given(st.integers(0, 10**6), st.sampled_from(["cctv", "phone"]))
def test_sampled_sensors_stay_within_what_can_be_rendered(seed, preset):
    sensor = sample_sensor(np.random.default_rng(seed), preset)
    assert 0.4 <= sensor.scale <= 1.0
    assert 40 <= sensor.quality <= 97
    assert sensor.noise >= 0 and sensor.black >= 0 and 0 <= sensor.white_balance <= 1
