import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.randomness import keyed_rng
from closerlook.synthesis.scenes.camera import Camera, sample_camera
from closerlook.synthesis.scenes.kinds import BACKDROPS, THINGS
from closerlook.synthesis.scenes.occluders import LOW, TALL, hidden_by
from closerlook.synthesis.scenes.places import place
from closerlook.synthesis.scenes.textures import paint

alpha_of = functools.cache(lambda name, variant: paint(name, variant)[..., 3] / 255.0)
BARE = place(BACKDROPS["street"], keyed_rng(0, "place"))


def share_hidden(hidden, camera, height):
    """Of points on an upright rectangle as high and wide as a person that faces the camera; and the thing's name."""
    across, up = np.meshgrid(np.linspace(-0.147, 0.147, 25) * height, np.linspace(0.01, 1.0, 60) * height)
    (name, variant), foot = hidden.texture[1], hidden.corner[1]
    angle = np.radians(camera.viewpoint)
    towards, beside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    nearer, aside = foot[[0, 2]] @ towards, foot[[0, 2]] @ beside
    past = nearer / camera.distance  # share of the way from the person to the eye
    x = across * (1 - past) - aside
    y = up + (camera.height - up) * past
    width, tall = hidden.along[1, 0], hidden.upward[1, 1]
    alpha = alpha_of(name, variant)
    column, row = np.floor((x / width + 0.5) * 256).astype(int), np.floor((1 - y / tall) * 256).astype(int)
    inside = (column >= 0) & (column < 256) & (row >= 0) & (row < 256)
    return (alpha[row % 256, column % 256] * inside).mean(), name


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.6))
def test_low_things_hide_legs_up_to_the_line_of_sight_over_their_top(seed, share):
    camera = replace(sample_camera(keyed_rng(seed, "camera"), 90.0), occlusion=share)
    hidden = hidden_by(BARE, camera, keyed_rng(seed, "thing")).panels
    assert len(hidden) == len(BARE.panels) + 1 and hidden.front.sum() == 1 and hidden.front[1]
    nearer, tall = hidden.corner[1, 2], hidden.upward[1, 1]
    assert 0.4 < nearer < 0.65 * camera.distance
    left = camera.distance / (camera.distance - nearer)
    over = camera.height - (camera.height - tall) * left
    if hidden.texture[1][0] in LOW:
        assert over <= max(share * 1.7, tall) + 1e-6 and (over == pytest.approx(share * 1.7) or nearer < 0.451)


@pytest.mark.parametrize(("share", "height"), [(0.15, 1.7), (0.4, 1.7), (0.4, 1.2)])
def test_about_as_much_of_a_person_is_hidden_as_asked(share, height):
    camera = Camera(30, 6, 2.2, occlusion=share)
    found: dict[str, list[float]] = {}
    for number in range(160):
        hidden = hidden_by(BARE, camera, keyed_rng(number, "occluder"), height).panels
        left, name = share_hidden(hidden, camera, height)
        kind = next(kind for kind in (*LOW, *TALL) if name in THINGS[kind].textures)
        found.setdefault(kind, []).append(left)
    assert set(found) == {*LOW, *TALL}
    assert 0.5 < np.median(np.concatenate(list(found.values()))) / share < 1.2
    for kind in (*TALL, "box", "bench"):  # the others are full of gaps, or round at the top
        assert 0.5 < np.median(found[kind]) / share < 2.5


def test_a_camera_without_occlusion_has_nothing_before_the_person():
    assert hidden_by(BARE, Camera(90), keyed_rng(0, "occluder")) is BARE
