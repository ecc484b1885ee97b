import numpy as np
import pytest
from hypothesis import given, strategies as st

from closerlook import attributes
from closerlook.synthesis.rendering.light.beams import turned_skies
from closerlook.synthesis.scenes.sky import (
    ILLUMINATIONS,
    Illumination,
    dome,
    harmonics,
    horizontal,
    irradiance,
    luminance,
    sky_light,
    sun_illuminance,
    sun_position,
    temperature_color,
)


def unit(seed, count=1):
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_named_times_are_those_of_the_design():
    assert tuple(ILLUMINATIONS) == attributes.ILLUMINATIONS


@pytest.mark.parametrize(("latitude", "declination"), [(40.0, 20.0), (52.0, -10.0), (0.0, 0.0)])
def test_the_sun_culminates_at_noon_at_the_height_that_latitude_and_date_give(latitude, declination):
    elevation, azimuth = sun_position(12.0, latitude, declination)
    assert elevation == pytest.approx(90 - abs(latitude - declination))
    if latitude > declination:
        assert azimuth == pytest.approx(0.0)


@given(st.floats(0.1, 11.9))
def test_morning_and_evening_mirror_each_other(hours):
    morning, evening = (sun_position(hour, 40.0, 20.0) for hour in (12 - hours, 12 + hours))
    assert morning[0] == pytest.approx(evening[0])
    assert morning[1] == pytest.approx(-evening[1])


def test_harmonics_are_orthonormal():
    points = unit(0, 200_000)
    gram = harmonics(points).T @ harmonics(points) / len(points) * 4 * np.pi
    assert np.allclose(gram, np.eye(9), atol=0.03)


def test_irradiance_agrees_with_the_integral_over_the_dome():
    directions, solid_angle = dome()
    radiance = np.stack([1 + directions[:, 1], np.ones(len(directions)), 1 + 0.5 * directions[:, 0]], axis=-1)
    sky = irradiance(radiance)
    for normal in unit(1, 20):
        exact = np.maximum(directions @ normal, 0) @ radiance * solid_angle
        assert np.allclose(harmonics(normal[None])[0] @ sky, exact, atol=0.06 * np.pi)


def test_a_uniform_dome_lights_the_ground_with_pi():
    directions, _ = dome()
    assert horizontal(irradiance(np.ones((len(directions), 3)))) == pytest.approx(np.pi, rel=0.02)


@given(st.floats(0, 360), st.integers(0, 100))
def test_turning_the_sky_is_turning_the_normals_back(north, seed):
    illumination = ILLUMINATIONS["forenoon"]
    normal = unit(seed)[0]
    c, s = np.cos(np.radians(north)), np.sin(np.radians(north))
    back = np.array([c * normal[0] - s * normal[2], normal[1], s * normal[0] + c * normal[2]])
    sky = turned_skies(sky_light(illumination).sky[None], np.array([north]))[0]
    turned = harmonics(normal[None])[0] @ sky
    assert np.allclose(turned, harmonics(back[None])[0] @ sky_light(illumination).sky, atol=1e-5)


def test_the_low_sun_is_weaker_and_redder():
    low, high = sun_illuminance(7.0, 3.0), sun_illuminance(60.0, 3.0)
    assert luminance(low) < 0.4 * luminance(high)
    assert low[0] / low[2] > 2 * high[0] / high[2]
    assert sun_illuminance(-1.0, 3.0).sum() == 0.0


def test_daylight_has_the_magnitude_of_daylight():
    noon = sky_light(ILLUMINATIONS["noon"])
    ground = luminance(noon.key * noon.direction[1] + horizontal(noon.sky))
    assert 80 < ground < 130  # kilolux
    assert 5 < luminance(horizontal(noon.sky)) < 40
    assert horizontal(noon.sky)[2] > horizontal(noon.sky)[0]  # blue


def test_after_dark_the_key_light_is_a_lamp():
    assert [name for name, value in ILLUMINATIONS.items() if sky_light(value).lamp] == ["midnight", "dusk", "night"]
    assert not sky_light(Illumination(9.0)).windows.any()


def test_a_black_body_is_redder_when_cooler():
    ratios = [temperature_color(kelvin)[0] / temperature_color(kelvin)[2] for kelvin in (2500, 3500, 5000, 9000)]
    assert ratios == sorted(ratios, reverse=True)
    assert temperature_color(6500) == pytest.approx(1.0, abs=0.12)
