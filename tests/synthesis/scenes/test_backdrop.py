from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.errors import UsageError
from closerlook.randomness import keyed_rng
from closerlook.synthesis.scenes.backdrop import BACKDROPS, Panels, backdrops, hidden_by, place, visible_panels
from closerlook.synthesis.scenes.camera import Camera, sample_camera
from closerlook.synthesis.scenes.frames import frames
from closerlook.synthesis.scenes.textures import PAINTERS, VARIANTS, flake_tiles, grain, paint, shadow_patterns

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
    assert texture.reshape(-1, 4).astype(float).std(0).max() > 4  # a railing has one color, but holes


def views_of(seeds, size=(128, 64)):
    """Cameras of all kinds in places of all kinds, some with something before the person, and their frames."""
    cameras = [replace(sample_camera(keyed_rng(seed, "camera"), 30 * (seed % 12)), distortion=0.3) for seed in seeds]
    kinds = list(BACKDROPS.values())
    places = [
        hidden_by(place(kinds[seed % len(kinds)], keyed_rng(seed, "place")), camera, keyed_rng(seed, "thing"))
        for seed, camera in zip(seeds, cameras, strict=True)
    ]
    return cameras, places, frames(cameras, BODY[None], np.zeros(len(seeds), np.int64), size)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000))
def test_what_is_left_out_could_not_be_seen(seed):
    """By the pixels that points all over each panel fall on, through the lens."""
    _, (where,), views = views_of([seed])
    view, panels = views[0], where.panels
    across = np.array([view.right[0], 0.0, view.right[2]]) / np.hypot(view.right[0], view.right[2])
    kept = visible_panels([where], views).panels.corner
    steps = np.linspace(0.0, 1.0, 41)
    for i in range(1, len(panels)):
        along = panels.along[i, 0] * across if panels.turns[i] else panels.along[i]
        corner = panels.corner[i] - (along / 2 if panels.turns[i] else 0.0)
        points = corner + (steps[:, None, None] * along + steps[:, None] * panels.upward[i]).reshape(-1, 3)
        depth = (points - view.eye) @ view.forward.astype(float)
        flat = panels.upward[i, 1] == 0 or panels.front[i]
        points = points[depth > (0.05 if flat else view.distance)].astype(np.float32)
        x, y = view.project(points, (128, 64)).T
        if ((x >= 0) & (x <= 64) & (y >= 0) & (y <= 128)).any():
            assert np.abs(kept - corner).max(1).min() < 1e-5


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9))
def test_a_view_has_the_same_panels_alone_and_among_others(seeds):
    _, places, views = views_of(seeds)
    together = visible_panels(places, views)
    for k, seed in enumerate(seeds):
        _, (alone,), view = views_of([seed])
        one, part = visible_panels([alone], view), slice(together.ends[k], together.ends[k + 1])
        assert one.fronts[0] == together.fronts[k] == one.panels.front.sum()
        assert one.panels.front[1 : 1 + one.fronts[0]].all()
        assert (together.view[part] == k).all()
        for column in fields(Panels):
            assert np.array_equal(getattr(one.panels, column.name), getattr(together.panels, column.name)[part])


def test_things_turn_to_the_camera():
    where = place(BACKDROPS["car_park"], keyed_rng(3, "place"))
    views = frames([Camera(viewpoint=40)], BODY[None], np.zeros(1, np.int64), (128, 64))
    kept = visible_panels([where], views).panels
    assert kept.turns.any()
    for along in kept.along[kept.turns]:
        assert along @ views[0].forward == pytest.approx(0.0, abs=1e-6)


def test_patterns_grain_and_flakes():
    assert shadow_patterns(2).shape == (2, 256, 256)
    counts = np.bincount(grain().ravel(), minlength=256)
    assert counts.min() == counts.max()  # evenly spread
    far, near = flake_tiles(128, 1.0, 2.0, 0.3)
    assert 0 < near.mean() < 40 and 0 < far.mean() < 40
