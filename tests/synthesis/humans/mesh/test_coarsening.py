"""A person with fewer triangles looks like the one with all of them."""

from typing import Any

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.render_person import SPACING
from closerlook.synthesis.humans import Person, pose_batch, sample_pose
from closerlook.synthesis.humans.mesh.coarsening import coarsened
from closerlook.synthesis.rendering import view_batch as module
from closerlook.synthesis.rendering.renderer import Renderer, View, ViewRequest
from closerlook.synthesis.scenes.backdrop import BACKDROPS, place
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.frames import Frames, frames
from closerlook.synthesis.scenes.sensor import Sensor

SIZE = (128, 64)
METERS = SPACING / SIZE[0]


def test_vertices_are_among_those_that_there_were_and_things_at_hand_come_last(people: list[Person]) -> None:
    for person in people[:4]:
        thin = coarsened(person, METERS)
        assert len(thin.triangles) < 0.75 * len(person.triangles)
        known = {row.tobytes() for row in person.positions}
        assert all(row.tobytes() in known for row in thin.positions)
        assert thin.triangles.max() < len(thin.positions) == len(thin.uv) == len(thin.weights)
        assert (np.bincount(thin.materials_of, minlength=len(person.materials)) > 0).tolist() == (
            np.bincount(person.materials_of, minlength=len(person.materials)) > 0
        ).tolist()
        body = {row.tobytes() for row in person.positions[: person.body_vertices]}
        assert all(row.tobytes() in body for row in thin.positions[: thin.body_vertices])


def test_seams_stay_closed(people: list[Person]) -> None:
    thin = coarsened(people[0], METERS)
    order = np.argsort(thin.smooth, kind="stable")
    same = np.diff(thin.smooth[order]) == 0
    apart = np.abs(np.diff(thin.positions[order], axis=0)).max(1)
    assert same.any() and apart[same].max() == 0


def test_very_small_cubes_leave_a_person_as_they_are(people: list[Person]) -> None:
    thin = coarsened(people[0], 1e-6)
    flat = people[0].positions[people[0].triangles]
    assert np.array_equal(thin.positions[thin.triangles], flat[(flat != np.roll(flat, 1, 1)).any(2).all(1)])


def test_outlines_are_alike(people: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
    made = Renderer(SIZE)
    kept: list[Frames] = []

    def as_first(*args: Any) -> Frames:
        kept.append(frames(*args))
        return kept[0]

    monkeypatch.setattr(module, "frames", as_first)
    where = place(BACKDROPS["yard"], keyed_rng(0))
    masks = []
    for person in (people[0], coarsened(people[0], METERS)):
        made.set_person(person)
        posed = pose_batch(person, [sample_pose(keyed_rng(0, "pose"))])
        made.rasterize(
            posed, [ViewRequest(View(Camera(viewpoint), where, Sensor())) for viewpoint in (0.0, 90.0, 215.0)]
        )
        masks += [made.gbuffer(number).color[0, :, :, 3] > 0.5 for number in range(3)]
    full, thin = np.array(masks[:3]), np.array(masks[3:])
    assert (full & thin).sum() / (full | thin).sum() > 0.985
