import numpy as np
from hypothesis import given, settings, strategies as st

from closerlook.randomness import keyed_rng
from closerlook.synthesis.rendering.light.beams import SHADOW_RADIUS, casters, key_lights, shadow_matrices
from closerlook.synthesis.rendering.light.conditions import ImageRequest, conditions
from closerlook.synthesis.scenes.backdrop import BACKDROPS, place
from closerlook.synthesis.scenes.sensor import Sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS, sky_light
from closerlook.synthesis.scenes.weather import WEATHERS

KINDS = list(BACKDROPS.values())
IMAGE = st.builds(
    ImageRequest.from_names, st.sampled_from(sorted(WEATHERS)), st.sampled_from(sorted(ILLUMINATIONS)), st.integers(0)
)
VIEW = st.tuples(st.lists(IMAGE, min_size=1, max_size=6), st.integers(0, 30), st.integers(0, 2))


def lights_of(views):
    """Key lights of views: (requests, seed of the place, number of the pose) each."""
    requests, seeds, poses = zip(*views, strict=True)
    places = [place(KINDS[seed % len(KINDS)], keyed_rng(seed, "place")) for seed in seeds]
    made = conditions(requests, np.full((len(views), 3), 0.2), [Sensor()] * len(views))
    return made, key_lights(made, np.array(poses), places)


@settings(deadline=None, max_examples=50)
@given(st.lists(VIEW, min_size=1, max_size=5))
def test_a_view_has_the_same_lights_alone_and_among_others(views):
    made, together = lights_of(views)
    for k, (requests, seed, pose) in enumerate(views):
        _, alone = lights_of([(requests, seed, pose)])
        own = slice(made.light_ends[k], made.light_ends[k + 1])
        rows = together.rows[own]
        for name in ("place", "reach", "sunward", "shadow", "lit"):
            assert np.array_equal(alone.rows[name], rows[name])
        assert np.array_equal(alone.skies, together.skies[own])
        assert alone.dark[0] == together.dark[k] == any(sky_light(request.illumination).lamp for request in requests)
        for one, other in zip(alone.rows, rows, strict=True):
            mine = alone.casters[one["first_caster"] : one["end_caster"]]
            assert mine.tobytes() == together.casters[other["first_caster"] : other["end_caster"]].tobytes()
            assert np.array_equal(alone.gloss[one["gloss"]], together.gloss[other["gloss"]])
            if other["lit"]:
                assert together.cast_pose[other["slot"]] == pose
                assert np.array_equal(together.cast_matrix[other["slot"]], other["shadow"])


def test_views_of_one_pose_in_one_place_share_shadow_maps():
    requests = [
        ImageRequest.from_names("sunny", "noon"),
        ImageRequest.from_names("sunny", "dusk"),
        ImageRequest.from_names("foggy", "forenoon"),
    ]
    _, shared = lights_of([(requests, 3, 0), (requests[:2], 3, 0), (requests[:1], 3, 1), (requests[:1], 4, 1)])
    assert len(shared.cast_pose) == 4  # two times of day of pose 0; pose 1 in either place
    assert shared.rows["lit"].tolist() == [1, 1, 0, 1, 1, 1, 1]
    slots = shared.rows["slot"]
    assert slots[0] == slots[3] and slots[1] == slots[4] and len(set(slots[[0, 1, 5, 6]])) == 4


@given(st.floats(-180, 180), st.floats(0.05, 1.5), st.booleans())
def test_a_shadow_map_covers_the_person(azimuth, elevation, lamp):
    flat, up = np.cos(elevation), np.sin(elevation)
    towards = np.array([[flat * np.cos(azimuth), up, flat * np.sin(azimuth)]])
    matrix = shadow_matrices(towards, np.array([lamp]))[0].astype(float)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(200, 3))
    points = points / np.linalg.norm(points, axis=1, keepdims=True) * 0.95 * SHADOW_RADIUS + [0.0, 0.9, 0.0]
    clip = np.c_[points, np.ones(200)] @ matrix.T
    inside = clip[:, :3] / clip[:, 3:]
    assert (clip[:, 3] > 0).all() and (np.abs(inside[:, 2]) < 1).all()
    assert np.abs(inside[:, :2]).max() < (1.3 if lamp else 1.0)  # the near half of the sphere reaches out of the cone
    middle = np.array([0.0, 0.9, 0.0, 1.0]) @ matrix.T
    assert np.abs(middle[:2]).max() < 1e-5
    nearer = np.array([*([0.0, 0.9, 0.0] + 0.5 * towards[0]), 1.0])
    assert (nearer @ matrix.T)[2] / (nearer @ matrix.T)[3] < middle[2] / middle[3]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 500), st.floats(0.0, 6.28), st.floats(0.12, 1.4))
def test_things_whose_shadow_falls_near_the_person_are_casters(seed, azimuth, elevation):
    """By the ends of each thing's shadow and points between."""
    where = place(KINDS[seed % len(KINDS)], keyed_rng(seed, "place"))
    flat = np.cos(elevation)
    towards = np.array([[flat * np.cos(azimuth), np.sin(elevation), flat * np.sin(azimuth)]])
    rows, ends = casters([where], np.zeros(1, np.int64), towards, np.ones(1, bool))
    assert ends.tolist() == [0, len(rows)]
    panels, feet = where.panels, rows["foot"]
    for i in np.flatnonzero(panels.turns):
        shadow = panels.corner[i] - np.linspace(0, panels.upward[i, 1], 200)[:, None] * towards / towards[0, 1]
        nearest = np.hypot(shadow[:, 0], shadow[:, 2])[np.hypot(*(shadow - panels.corner[i])[:, [0, 2]].T) < 30.0].min()
        kept = len(feet) > 0 and bool((np.abs(feet - panels.corner[i]).max(1) < 1e-5).any())
        reach = abs(panels.along[i, 0]) / 2 + 3.5
        assert kept or nearest > reach - 0.01
        assert not kept or nearest < reach + 0.2
    none, _ = casters([where], np.zeros(1, np.int64), towards, np.zeros(1, bool))
    assert len(none) == 0
