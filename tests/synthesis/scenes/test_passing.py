"""A fixed camera stays where it is and points where it points, whoever walks where."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from closerlook.synthesis.scenes.backdrop import BACKDROPS, nothing_before, place
from closerlook.synthesis.scenes.camera import MIDDLE, Camera
from closerlook.synthesis.scenes.frames import frame
from closerlook.synthesis.scenes.lighting import turned
from closerlook.synthesis.scenes.passing import Step, camera_at, eye_of, place_at, seen_from

TALL = 1.8
FIXED = Camera(viewpoint=40.0, distance=9.0, height=3.1, roll=2.0, focal=30.0)
STEPS = st.builds(Step, st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 360))
BODY = np.array([[x, y, z] for x in (-0.2, 0.2) for y in (0.0, TALL) for z in (-0.1, 0.1)], np.float32)


def in_place(points: np.ndarray, step: Step) -> np.ndarray:
    """Points around somebody at a step, where they are in the place."""
    angle = math.radians(step.course - 90.0)
    x, y, z = points.T
    turned_x, turned_z = x * math.cos(angle) - z * math.sin(angle), x * math.sin(angle) + z * math.cos(angle)
    return np.stack([turned_x, y, turned_z], axis=1)


def by_row(points: np.ndarray) -> np.ndarray:
    """Points in an order that does not depend on how they came."""
    rounded = points.round(4) + 0.0
    return points[np.lexsort(rounded.T)]


@given(STEPS)
def test_the_camera_does_not_move(step: Step) -> None:
    seen = frame(camera_at(FIXED, step, TALL), BODY, (128, 64))
    eye = in_place(seen.eye[None].astype(float), step)[0] + [step.x, 0.0, step.z]
    assert eye == pytest.approx(eye_of(FIXED), abs=1e-4)
    shorter = (BODY * [1.0, 2 * MIDDLE / TALL, 1.0]).astype(np.float32)
    middle = frame(camera_at(FIXED, Step(0.0, 0.0, 90.0), 2 * MIDDLE), shorter, (128, 64))
    for axis in ("right", "up", "forward"):
        now = in_place(getattr(seen, axis)[None].astype(float), step)[0]
        assert now == pytest.approx(getattr(middle, axis), abs=2e-3), axis


@pytest.mark.parametrize(("course", "viewpoint"), [(40, 90), (220, 270), (130, 0), (310, 180)])
def test_who_walks_towards_the_camera_is_seen_from_the_front(course: float, viewpoint: float) -> None:
    found, distance = seen_from(FIXED, np.zeros(1), np.zeros(1), np.array([course]))
    assert math.cos(math.radians(found[0] - viewpoint)) == pytest.approx(1.0)
    assert distance == pytest.approx(FIXED.distance)


@given(STEPS, st.integers(0, 20))
def test_a_place_around_a_step_is_the_same_place(step: Step, seed: int) -> None:
    yard = place(BACKDROPS["street"], np.random.default_rng(seed))
    moved = place_at(yard, FIXED, step)
    at = np.array([step.x, 0.0, step.z])
    corners = in_place(moved.panels.corner, step) + at
    assert np.allclose(by_row(corners), by_row(yard.panels.corner), atol=1e-6)
    assert len(moved.panels) == len(yard.panels)
    assert in_place(moved.lamps[:, :3], step) + at == pytest.approx(yard.lamps[:, :3], abs=1e-6)
    sun = np.array([[0.6, 0.5, -0.62]])
    assert in_place(turned(sun, moved.north), step) == pytest.approx(turned(sun, yard.north), abs=1e-6)


@given(STEPS, st.integers(0, 20))
def test_things_before_the_person_follow_the_ground(step: Step, seed: int) -> None:
    moved = place_at(place(BACKDROPS["park"], np.random.default_rng(seed)), FIXED, step)
    camera = camera_at(FIXED, step, TALL)
    seen = frame(camera, BODY, (128, 64))
    fronts = int(moved.panels.front.sum())
    assert not moved.panels.front[0] and moved.panels.front[1 : 1 + fronts].all()
    level = seen.forward * [1.0, 0.0, 1.0]
    ahead = moved.panels.corner @ (level / np.linalg.norm(level))
    assert (moved.panels.turns & (ahead < -0.26) <= moved.panels.front).all()
    assert (ahead[moved.panels.front] < -0.24).all() and moved.panels.turns[moved.panels.front].all()
    bare = nothing_before(moved)
    assert not bare.panels.front.any() and len(bare.panels) == len(moved.panels) - fronts
    assert len(bare.occluder_spheres) == bare.panels.turns.sum()
