import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.synthesis.rendering.light.conditions import ImageRequest, conditions
from closerlook.synthesis.scenes.lighting import lighting
from closerlook.synthesis.scenes.sensor import sample_sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS

pytestmark = pytest.mark.slow


IMAGE = st.builds(
    ImageRequest.from_names, st.sampled_from(sorted(WEATHERS)), st.sampled_from(sorted(ILLUMINATIONS)), st.integers(0)
)
VIEWS = st.lists(st.lists(IMAGE, max_size=9), min_size=1, max_size=5)


def surroundings(count):
    rng = np.random.default_rng(0)
    return rng.uniform(0.05, 0.6, (count, 3)), [sample_sensor(rng, "cctv") for _ in range(count)]


@settings(deadline=None)
@given(VIEWS)
def test_a_view_has_the_same_conditions_alone_and_among_others(views):
    grounds, sensors = surroundings(len(views))
    together = conditions(views, grounds, sensors)
    for k, requests in enumerate(views):
        alone = conditions([requests], grounds[k : k + 1], [sensors[k]])
        exposures, airs, lights = (
            slice(ends[k], ends[k + 1]) for ends in (together.exposure_ends, together.air_ends, together.light_ends)
        )
        assert alone.exposures.tobytes() == together.exposures[exposures].tobytes()
        assert alone.airs.tobytes() == together.airs[airs].tobytes()
        assert np.array_equal(alone.lit, together.lit[lights])
        mine, theirs = (
            [made.illuminations[i] for i in made.light[part]]
            for made, part in ((alone, slice(None)), (together, lights))
        )
        assert mine == theirs == list(dict.fromkeys(request.illumination for request in requests))


@settings(deadline=None)
@given(VIEWS)
def test_rows_are_of_their_own_weather_and_time_of_day(views):
    grounds, sensors = surroundings(len(views))
    made = conditions(views, grounds, sensors)
    row = 0
    for k, requests in enumerate(views):
        assert made.exposure_ends[k] == row
        for request in requests:
            exposed = made.exposures[row]
            air = made.airs[made.air_ends[k] + exposed["air"]]
            light = made.light_ends[k] + exposed["light"]
            assert (
                air["extinction"] == np.float32(request.weather.extinction)
                and air["wetness"] == request.weather.wetness
            )
            assert made.illuminations[made.light[light]] == request.illumination
            zero = np.zeros(1, np.int64)
            wanted = lighting([(request.weather, request.illumination)], zero, zero, grounds[k : k + 1], [sensors[k]])
            assert np.array_equal(exposed["sun"], wanted.sun[0].astype(np.float32))
            assert made.lit[light] or not exposed["sun"].any()
            assert exposed["flake_x"] == request.key & 255 and exposed["noise_y"] == request.key >> 24 & 255
            row += 1
    for light in np.flatnonzero(made.lit):
        k = int(np.searchsorted(made.light_ends, light, side="right")) - 1
        exposures = made.exposures[made.exposure_ends[k] : made.exposure_ends[k + 1]]
        assert exposures["sun"][exposures["light"] == light - made.light_ends[k]].any()
    assert made.exposure_ends[-1] == len(made.exposures) == row
