"""An image is a function of its scene alone, whatever the renderer has drawn before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.annotations import depth, mask, normals
from closerlook.synthesis.humans.mesh.mesh import PosedBatch
from closerlook.synthesis.rendering.renderer import ImageRequest, Renderer, View, ViewRequest
from closerlook.synthesis.scenes.backdrop import BACKDROPS, hidden_by, place
from closerlook.synthesis.scenes.camera import sample_camera
from closerlook.synthesis.scenes.sensor import sample_sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS

SIZE = (64, 32)
SEEDS = range(8)
SHAPES = ("positions", "normals", "joints")


def view_of(seed):
    rng = keyed_rng(seed, "view")
    camera = replace(sample_camera(rng, float(rng.integers(360))), occlusion=0.3 * (seed % 2))
    where = place(list(BACKDROPS.values())[seed % len(BACKDROPS)], rng)
    return View(camera, hidden_by(where, camera, rng), sample_sensor(rng, "cctv"))


def requests_of(seed):
    weathers, times = list(WEATHERS), list(ILLUMINATIONS)
    return [
        ImageRequest.from_names(weathers[(seed + i) % len(weathers)], times[(seed * i) % len(times)], seed)
        for i in range(3)
    ]


def drawn(renderer, block, seed):
    person, posed = block
    renderer.set_person(person)
    images = renderer.render_view(posed, view_of(seed), requests_of(seed))
    gbuffer = renderer.gbuffer()
    return [images, gbuffer.samples, mask(gbuffer), depth(gbuffer), normals(gbuffer)]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_drawn_before_leaves_no_trace(seed, block):
    used = Renderer(SIZE)
    for before in SEEDS:
        if before != seed:
            drawn(used, block, before)
    for fresh, found in zip(drawn(Renderer(SIZE), block, seed), drawn(used, block, seed), strict=True):
        assert np.array_equal(fresh, found)


def test_views_by_themselves_are_the_views_of_a_pass(block):
    """Each image of a view alone, in another order, is the image among the others."""
    made = Renderer(SIZE)
    for seed in SEEDS:
        together = drawn(made, block, seed)[0]
        for i in (2, 0, 1):
            assert np.array_equal(made.render_view(block[1], view_of(seed), [requests_of(seed)[i]])[0], together[i])


def test_views_are_the_same_alone_and_in_any_batch(block):
    """Each with its own images and surfaces; one asks for no images."""
    person, posed = block
    other = replace(posed, positions=posed.positions * np.float32(0.9))
    shapes = {name: np.stack([getattr(one, name) for one in (posed, other)]) for name in SHAPES}
    poses = PosedBatch(**shapes, labels=({}, {}))
    requests = [
        ViewRequest(view_of(seed), tuple(requests_of(seed)) if seed != 3 else (), pose=seed % 2) for seed in SEEDS
    ]
    made, alone = Renderer(SIZE), Renderer(SIZE)
    made.set_person(person)
    alone.set_person(person)
    for order in (list(SEEDS), [5, 2, 7], [3], [6, 0, 3, 1]):
        images = made.render(poses, [requests[seed] for seed in order])
        for number, seed in enumerate(order):
            (wanted,) = alone.render(poses, [requests[seed]])
            assert np.array_equal(images[number], wanted)
            one, among = alone.gbuffer(), made.gbuffer(number)
            shown = one.color[..., 3] > 0
            assert np.array_equal(one.color, among.color) and np.array_equal(one.samples, among.samples)
            for name in ("facing", "where", "open_sky"):
                assert np.array_equal(getattr(one, name)[shown], getattr(among, name)[shown]), name
            assert np.array_equal(one.posed.positions, among.posed.positions)
            assert np.array_equal(one.frame.matrix, among.frame.matrix)
