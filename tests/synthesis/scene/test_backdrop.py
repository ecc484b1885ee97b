from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.errors import UsageError
from closerlook.randomness import keyed_rng
from closerlook.synthesis.scene.backdrop import BACKDROPS, LOW, backdrops, hidden_by, place, visible
from closerlook.synthesis.scene.camera import Camera, frame, sample_camera
from closerlook.synthesis.scene.textures import PAINTERS, VARIANTS, flake_tiles, grain, paint, shadow_patterns

BODY = np.array([[x, y, z] for x in (-0.25, 0.25) for y in (0.0, 1.7) for z in (-0.15, 0.15)], np.float32)


def test_there_are_a_dozen_places_with_names_and_numbers_of_their_own():
    assert len(BACKDROPS) >= 12
    assert sorted(backdrop.number for backdrop in BACKDROPS.values()) == list(range(1, len(BACKDROPS) + 1))


def test_an_unknown_place_is_a_usage_error_that_suggests_one():
    with pytest.raises(UsageError, match="Did you mean 'forest'"):
        backdrops(["forrest"])


def test_every_texture_a_place_asks_for_can_be_painted():
    for backdrop in BACKDROPS.values():
        names = [*backdrop.grounds, *backdrop.strips, *backdrop.walls, backdrop.horizon]
        assert {*names, *(name for thing in backdrop.things for name in thing.textures)} <= set(PAINTERS)


@pytest.mark.parametrize("name", PAINTERS)
def test_textures_are_square_repeatable_and_not_flat(name):
    texture = paint(name, 1)
    assert texture.shape == (256, 256, 4) and texture.dtype == np.uint8
    assert np.array_equal(texture, paint(name, 1))
    assert not np.array_equal(texture, paint(name, VARIANTS - 1))
    assert texture.reshape(-1, 4).astype(float).std(0).max() > 4  # a railing has one colour, but holes


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(BACKDROPS)), st.integers(0, 1000))
def test_a_place_depends_on_its_key_alone_and_keeps_clear_of_the_person(name, seed):
    one, two = (place(BACKDROPS[name], keyed_rng(seed, "place")) for _ in range(2))
    assert np.array_equal(one.panels.corner, two.panels.corner)
    assert one.panels.texture == two.panels.texture
    standing = one.panels.corner[one.panels.turns]
    assert (np.hypot(standing[:, 0], standing[:, 2]) >= 1.2).all()
    assert 0 <= one.shade <= 0.9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(range(0, 360, 30)))
def test_what_is_left_out_could_not_be_seen(seed, viewpoint):
    where = place(BACKDROPS["bicycles"], keyed_rng(seed, "place"))
    view = frame(sample_camera(keyed_rng(seed, "camera"), viewpoint), BODY, (128, 64))
    kept = visible(where, view)
    kept_feet = {tuple(np.round(corner + along / 2, 4)) for corner, along in zip(kept.corner, kept.along, strict=True)}
    for i in np.flatnonzero(where.panels.turns):
        foot = where.panels.corner[i]
        middle = (foot + where.panels.upward[i] / 2).astype(np.float32)
        behind = (middle - view.eye) @ view.forward > view.distance
        x, y = view.project(middle[None], (128, 64))[0]
        if behind and 0 <= x <= 64 and 0 <= y <= 128:
            assert tuple(np.round(foot, 4)) in kept_feet


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.05, 0.6))
def test_what_stands_before_a_person_hides_no_more_than_asked(seed, share):
    """By the line of sight over a low thing's top."""
    camera = replace(sample_camera(keyed_rng(seed, "camera"), 90.0), occlusion=share)
    bare = place(BACKDROPS["street"], keyed_rng(seed, "place"))
    hidden = hidden_by(bare, camera, keyed_rng(seed, "thing")).panels
    assert hidden.front.sum() == 1 and hidden.front[1]
    nearer, tall = hidden.corner[1, 2], hidden.upward[1, 1]
    assert 0.4 < nearer < 0.65 * camera.distance
    left = camera.distance / (camera.distance - nearer)
    over = camera.height - (camera.height - tall) * left
    if hidden.texture[1][0] in LOW:
        assert over <= max(share * 1.7, tall) + 1e-6 and (over == pytest.approx(share * 1.7) or nearer < 0.451)


def test_things_turn_to_the_camera():
    where = place(BACKDROPS["car_park"], keyed_rng(3, "place"))
    view = frame(Camera(viewpoint=40), BODY, (128, 64))
    kept = visible(where, view)
    assert kept.turns.any()
    for along in kept.along[kept.turns]:
        assert along @ view.forward == pytest.approx(0.0, abs=1e-6)


def test_patterns_grain_and_flakes():
    assert shadow_patterns(2).shape == (2, 256, 256)
    counts = np.bincount(grain().ravel(), minlength=256)
    assert counts.min() == counts.max()  # evenly spread
    far, near = flake_tiles(128, 1.0, 2.0, 0.3)
    assert 0 < near.mean() < 40 and 0 < far.mean() < 40
