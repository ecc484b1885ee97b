from dataclasses import replace

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, strategies as st

from closerlook.errors import UsageError
from closerlook.synthesis.scenes.sensor import SENSORS, compress, sample_sensor


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


def test_about_a_third_of_surveillance_cameras_show_their_video():
    drawn = [sample_sensor(np.random.default_rng(seed), "cctv") for seed in range(600)]
    recorded = [sensor.video for sensor in drawn if sensor.video]
    assert 0.28 < len(recorded) / 600 < 0.42
    assert set(recorded) == set(range(SENSORS["cctv"].video - 5, SENSORS["cctv"].video + 6))
    assert {sensor.grid_down for sensor in drawn} == {sensor.grid_right for sensor in drawn} == set(range(8))


def test_the_file_is_a_jpeg_of_the_sensors_quality():
    image = np.random.default_rng(0).integers(0, 256, (48, 32, 3), dtype=np.uint8)
    fine, coarse = (compress(image, replace(SENSORS["clean"], quality=quality)) for quality in (95, 40))
    assert len(fine) > 2 * len(coarse)
    assert simplejpeg.decode_jpeg(fine).shape == image.shape
