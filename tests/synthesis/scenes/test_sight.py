"""What a fixed camera is reckoned to see of somebody."""

from dataclasses import replace

import numpy as np
import pytest

from closerlook.synthesis.scenes.backdrop import BACKDROPS, place
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.panels import Panels, Place, texture_number
from closerlook.synthesis.scenes.sight import Sight, Ways

CAMERA = Camera(viewpoint=90.0, distance=8.0, height=2.5, focal=30.0)  # at (0, 8), looking along -z


def way(x: float, z: float) -> Ways:
    return Ways(np.array([[x]]), np.array([[z]]), np.array([0.0]))


def with_thing(name: str, x: float, z: float, width: float, height: float) -> Place:
    """A place with nothing but its ground, walls and this."""
    bare = place(BACKDROPS["street"], np.random.default_rng(3))
    kept = bare.panels[np.flatnonzero(~bare.panels.turns)]
    yes, no = np.ones(1, bool), np.zeros(1, bool)
    one = Panels(
        paint=np.array([texture_number(name, 0)]),
        corner=np.array([[x, 0.0, z]]),
        along=np.array([[width, 0.0, 0.0]]),
        upward=np.array([[0.0, height, 0.0]]),
        tint=np.ones((1, 3)),
        repeat=np.ones((1, 2)),
        shift=np.zeros((1, 2)),
        cutout=yes,
        turns=yes,
        front=no,
        roughness=np.ones(1),
    )
    columns = [np.concatenate([getattr(part, name) for part in (kept, one)]) for name in Panels.__dataclass_fields__]
    return replace(bare, panels=Panels(*columns))


def hidden(thing: Place, x: float, z: float) -> float:
    sight = Sight.of(CAMERA, thing)
    return float(sight.hidden(way(x, z), sight.where[None, None])[0, 0])


def test_a_board_before_somebody_hides_them_and_one_behind_does_not() -> None:
    board = with_thing("box", 0.0, 3.0, 2.0, 2.4)
    assert hidden(board, 0.0, 0.0) == 1.0
    assert hidden(board, 0.0, 3.4) == 0.0  # they are before it
    assert hidden(board, 3.0, 0.0) == 0.0  # beside


def test_a_low_thing_hides_legs_and_a_trunk_little() -> None:
    assert 0.2 < hidden(with_thing("box", 0.0, 1.5, 2.0, 0.9), 0.0, 0.0) < 0.7
    assert hidden(with_thing("tree", 0.0, 3.0, 3.0, 5.0), 0.0, 0.0) <= 1 / 3


def test_who_is_out_of_the_frame_is_not_shown() -> None:
    sight = Sight.of(CAMERA, with_thing("box", 0.0, -4.0, 1.0, 1.0))
    assert sight.shown(way(0.0, 0.0))[0, 0] == pytest.approx(1.0)
    edge = 8.0 * 18 / 30
    assert 0.3 < sight.shown(way(edge, 0.0))[0, 0] < 0.75
    assert sight.shown(way(2 * edge, 0.0))[0, 0] < 0
    assert sight.shown(way(0.0, 6.5))[0, 0] < 0.75  # too near: no feet


def test_walls_leave_the_middle_of_the_place_free_and_nothing_beyond() -> None:
    sight = Sight.of(CAMERA, place(BACKDROPS["brick"], np.random.default_rng(0)))
    assert len(sight.offset) and sight.room(way(0.0, 0.0))[0, 0] > 0
    beyond = sight.normal[0] * (sight.offset[0] + 1.0)
    assert sight.room(way(*beyond))[0, 0] == pytest.approx(-1.0) or sight.room(way(*beyond))[0, 0] < -1.0


def test_feet_keep_clear_of_things() -> None:
    sight = Sight.of(CAMERA, with_thing("pole", 1.0, 1.0, 0.1, 4.0))
    things = sight.where[None, None]
    assert sight.clearance(way(1.0, 1.0), things)[0, 0] < 0
    assert sight.clearance(way(1.0, 3.0), things)[0, 0] == pytest.approx(2.0 - 0.025)
