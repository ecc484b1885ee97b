from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook import attributes
from closerlook.synthesis.scenes.lighting import lighting, turned
from closerlook.synthesis.scenes.sensor import Sensor, sample_sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS, horizontal, luminance, sky_light
from closerlook.synthesis.scenes.weather import WEATHERS

GROUND = np.array([0.2, 0.2, 0.2])
PAIRS = [(weather, illumination) for weather in list(WEATHERS.values())[:7] for illumination in ILLUMINATIONS.values()]


def lit(pairs, sensor, ground=GROUND):
    """Weathers and times of day in one view."""
    return lighting(pairs, np.arange(len(pairs)), np.zeros(len(pairs), np.int64), ground[None], [sensor])


def test_the_named_weathers_are_those_of_the_design():
    assert tuple(WEATHERS)[:7] == attributes.WEATHERS
    assert len(set(WEATHERS.values())) == len(WEATHERS)


def brightness(sensor):
    """Exposed luminance of white ground, (weather, illumination)."""
    light = lit(PAIRS, sensor)
    skies = [sky_light(illumination) for _, illumination in PAIRS]
    heights = np.array([max(sky.direction[1], 0) for sky in skies])[:, None]
    from_sky = light.sky * np.array([horizontal(sky.sky) for sky in skies]) + light.cloud + light.glow
    return luminance(light.sun * heights + from_sky).reshape(7, 7)


def test_night_stays_darker_than_day_and_is_not_black():
    level = brightness(Sensor())
    night, day = level[:, [0, 6]], level[:, [2, 3, 4]]
    assert (night.max(1) < 0.75 * day.min(1)).all()
    assert (night.min(1) > 0.1 * day.max(1)).all()


def test_full_adaptation_takes_the_time_of_day_away():
    full, none = brightness(Sensor(adaptation=1.0)), brightness(Sensor(adaptation=0.0))
    assert (full.max(1) / full.min(1)).max() < 2.5
    assert (none.max(1) / none.min(1)).min() > 1000
    assert np.ptp(lit(PAIRS[:7], Sensor(adaptation=0.0)).gain) == 0.0


def test_white_balance_takes_the_lights_color_away():
    warm = lit([(WEATHERS["sunny"], ILLUMINATIONS["night"])], Sensor(white_balance=0.0)).sun[0]
    balanced = lit([(WEATHERS["sunny"], ILLUMINATIONS["night"])], Sensor(white_balance=1.0)).sun[0]
    assert warm[0] / warm[2] > 3 * balanced[0] / balanced[2]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 48), st.integers(0, 5)), min_size=1, max_size=60))
def test_each_condition_is_the_same_alone_and_among_others(rows):
    pair, view = np.array(rows).T
    rng = np.random.default_rng(0)
    grounds, sensors = rng.uniform(0.05, 0.6, (6, 3)), [sample_sensor(rng, "cctv") for _ in range(6)]
    together = lighting(PAIRS, pair, view, grounds, sensors)
    for i, (one, own) in enumerate(rows):
        alone = lit([PAIRS[one]], sensors[own], grounds[own])
        for name in ("sun", "sky", "cloud", "bounce", "glow", "fog", "windows", "flake", "gain"):
            assert np.array_equal(getattr(alone, name)[0], getattr(together, name)[i])


def test_clouds_take_the_beam_and_give_it_back_from_the_dome():
    noon = ILLUMINATIONS["noon"]
    sunny, overcast = (lit([(WEATHERS[name], noon)], Sensor(adaptation=0.0)) for name in ("sunny", "overcast"))
    assert overcast.sun.sum() < 0.1 * sunny.sun.sum()
    assert overcast.cloud.sum() > sunny.cloud.sum() == 0.0


def test_a_new_weather_is_a_value():
    thin = replace(WEATHERS["foggy"], extinction=0.01)
    assert lit([(thin, ILLUMINATIONS["noon"])], Sensor()).fog.min() > 0


@pytest.mark.parametrize("name", attributes.ILLUMINATIONS)
def test_turning_the_place_turns_the_key_light_about_the_vertical(name):
    light = sky_light(ILLUMINATIONS[name])
    both = turned(np.stack([light.direction] * 2), np.array([70.0, 360.0]))
    assert both[0, 1] == pytest.approx(light.direction[1])
    assert np.linalg.norm(both[0]) == pytest.approx(1.0)
    assert both[1] == pytest.approx(light.direction)
