from dataclasses import replace

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, strategies as st

from closerlook.errors import UsageError
from closerlook.synthesis.scene.sensor import SENSORS, compress, sample_sensor


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


@given(st.integers(0, 255))
def test_a_videos_blocks_lie_where_the_key_says(key):
    image = np.random.default_rng(key).integers(0, 256, (48, 32, 3), dtype=np.uint8)
    sensor = replace(SENSORS["cctv"], video=60, quality=95)
    padded = np.pad(image, ((key % 16, 0), (key // 16 % 16, 0), (0, 0)), mode="edge")
    video = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(padded, quality=60, colorsubsampling="420"))
    cut = np.ascontiguousarray(video[key % 16 :, key // 16 % 16 :])
    assert compress(image, sensor, key) == compress(cut, replace(sensor, video=100), key)
