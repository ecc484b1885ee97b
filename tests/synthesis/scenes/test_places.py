from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.randomness import keyed_rng
from closerlook.synthesis.scenes.kinds import BACKDROPS
from closerlook.synthesis.scenes.panels import MAX_PANELS, Panels
from closerlook.synthesis.scenes.places import HOLLOW, places

KINDS = list(BACKDROPS.values())


def drawn(seeds):
    return places([KINDS[seed % 16] for seed in seeds], [keyed_rng(seed, "place") for seed in seeds])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9))
def test_a_place_is_the_same_alone_and_among_others(seeds):
    for seed, together in zip(seeds, drawn(seeds), strict=True):
        (alone,) = drawn([seed])
        for column in fields(Panels):
            assert np.array_equal(getattr(alone.panels, column.name), getattr(together.panels, column.name))
        assert np.array_equal(alone.occluder_spheres, together.occluder_spheres) and np.array_equal(
            alone.lamps, together.lamps
        )
        for name in ("backdrop", "north", "shade", "shade_variant"):
            assert getattr(alone, name) == getattr(together, name)


@pytest.mark.parametrize("name", BACKDROPS)
def test_places_are_of_their_kind(name):
    """Ranges are kept, and reached; names and shares are those that the backdrop says."""
    kind, many = BACKDROPS[name], 200
    made = places([kind] * many, [keyed_rng(seed, "place") for seed in range(many)])
    panels = [one.panels for one in made]
    upright = [one.upward[:, 1] > 0 for one in panels]
    walls = [one[up & ~one.cutout] for one, up in zip(panels, upright, strict=True)]
    things, strips = [one[one.turns] for one in panels], [one[~up][1:] for one, up in zip(panels, upright, strict=True)]
    assert np.mean([len(wall) / 4 for wall in walls]) == pytest.approx(kind.closed, abs=0.06)
    assert all((one.cutout & ~one.turns).sum() == 4 for one in panels)
    assert np.mean([len(strip) for strip in strips]) == pytest.approx(1.5, abs=0.25)
    assert max(len(one) for one in panels) <= MAX_PANELS and not any(one.front.any() for one in panels)
    for found, textures in ((walls, kind.walls), (strips, kind.strips), ([one[:1] for one in panels], kind.grounds)):
        numbers = [number for one in found for number in one.texture]
        assert {texture for texture, _ in numbers} == set(textures)
        assert {variant for _, variant in numbers} == {0, 1, 2, 3}
    heights = np.concatenate([wall.upward[:, 1] for wall in walls])
    middles = np.concatenate([wall.corner + wall.along / 2 for wall in walls])
    for values, limits in ((heights, kind.wall_height), (np.hypot(middles[:, 0], middles[:, 2]), kind.wall_distance)):
        low, high = limits
        margin = 0.15 * (high - low)
        assert low - 1e-9 <= values.min() <= low + margin and high - margin <= values.max() <= high + 1e-9
    counts = {texture: 0 for thing in kind.things for texture in thing.textures}
    for texture, _ in (number for one in things for number in one.texture):
        counts[texture] += 1
    for thing in kind.things:  # some would stand behind a wall, and are left out
        number = sum(counts[texture] for texture in thing.textures) / many
        assert 0.3 * sum(thing.count) / 2 < number < thing.count[1]
    assert np.ptp([one.north for one in made]) > 300 and {one.shade_variant for one in made} == {0, 1, 2, 3}
    assert np.mean([one.shade for one in made]) == pytest.approx(min(1.1 * kind.shade, 0.8), abs=0.06)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_things_keep_clear_of_the_person_and_of_walls(seed):
    (where,) = drawn([seed])
    panels = where.panels
    standing, walls = panels[panels.turns], panels[(panels.upward[:, 1] > 0) & ~panels.cutout]
    assert (np.hypot(standing.corner[:, 0], standing.corner[:, 2]) >= 1.2).all()
    assert 0 <= where.shade <= 0.9
    for corner, along in zip(walls.corner, walls.along, strict=True):
        middle = corner + along / 2
        outward = middle / np.hypot(middle[0], middle[2])
        assert (standing.corner @ outward < np.hypot(middle[0], middle[2])).all()


def test_what_stands_about_darkens_the_ground_around_it():
    (where,) = drawn([1])
    things = where.panels[where.panels.turns]
    assert len(where.occluder_spheres) == len(things) > 0
    assert np.array_equal(where.occluder_spheres[:, [0, 2]], things.corner[:, [0, 2]])
    hollow = np.array([name in HOLLOW for name, _ in things.texture])
    assert (where.occluder_spheres[hollow, 3] == 0.15).all() and (
        where.occluder_spheres[:, 3] < things.upward[:, 1]
    ).all()
