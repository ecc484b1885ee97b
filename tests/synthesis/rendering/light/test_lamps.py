from dataclasses import replace

import numpy as np
import pytest

from closerlook.randomness import keyed_rng
from closerlook.synthesis.rendering.light.lamps import MAX_LAMPS, REACH, lamp_rows
from closerlook.synthesis.rendering.renderer import ImageRequest, View
from closerlook.synthesis.scenes.backdrop import BACKDROPS, place
from closerlook.synthesis.scenes.camera import Camera, Crop, sample_camera
from closerlook.synthesis.scenes.frames import frames
from closerlook.synthesis.scenes.sensor import Sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS
from synthesis.rendering.conftest import Studio

SIZE = (96, 96)
GRAY = np.array([0.2126, 0.7152, 0.0722])
CAMERA = Camera(viewpoint=90, distance=8, height=5, crop=Crop(3.0))
WET = replace(WEATHERS["rain"], flakes=0.0)


@pytest.fixture(scope="module")
def renderer(block):
    return Studio(SIZE, *block)


def added(renderer, where, lamp, weather, time):
    """What a further lamp adds to an image, (h, w)."""
    requests = [ImageRequest(weather, ILLUMINATIONS[time], 0)]
    lit, unlit = (
        renderer.render(View(CAMERA, replace(where, lamps=np.array(lamps).reshape(-1, 4)), Sensor()), requests)[0]
        for lamps in ([lamp], [])
    )
    return (lit.astype(float) - unlit) @ GRAY


def test_a_lamp_throws_a_pool_of_light_under_itself(renderer, open_place):
    lamp = [2.2, 3.0, -3.0, 0.8]
    gain = added(renderer, open_place, lamp, WEATHERS["sunny"], "night")
    x, y = renderer.frame.project(np.array([[2.2, 0.0, -3.0]], np.float32), SIZE)[0]
    row, column = np.unravel_index(np.where(renderer.cover == 0, gain, 0).argmax(), SIZE)
    assert abs(row - y) <= 8 and abs(column - x) <= 8
    assert gain[int(y), int(x)] > 20
    assert gain.min() > -1.5 and gain[:, :8].max() < 0.2 * gain.max()  # the cone has an edge


@pytest.mark.parametrize("time", ["noon", "dawn"])
def test_lamps_are_off_by_day(renderer, open_place, time):
    assert not added(renderer, open_place, [2.2, 3.0, -3.0, 0.8], WEATHERS["sunny"], time).any()


def test_wet_ground_mirrors_a_lamp_between_it_and_the_eye(renderer, open_place):
    """Towards the image of the lamp below the ground, and drawn out along the line of sight."""
    lamp = [2.5, 5.0, -9.0, 1.0]
    dry, wet = (added(renderer, open_place, lamp, weather, "night") for weather in (WEATHERS["sunny"], WET))
    glint = np.where(renderer.cover == 0, wet - dry, 0.0)
    eye = renderer.frame.eye.astype(float)
    below = np.array([2.5, -5.0, -9.0])
    at = eye + (below - eye) * eye[1] / (eye[1] + 5.0)
    x, y = renderer.frame.project(at[None].astype(np.float32), SIZE)[0]
    rows, columns = np.nonzero(glint > 0.4 * glint.max())
    assert glint.max() > 15
    assert abs(columns.mean() - x) < 10 and abs(rows.mean() - y) < 22
    assert np.ptp(rows) > 1.2 * np.ptp(columns)


def test_a_view_takes_the_lamps_that_light_what_it_shows(block, open_place):
    _, posed = block
    views = frames([CAMERA], posed.positions[None], np.zeros(1, np.int64), SIZE)
    lamps = np.array([[0.0, 4.0, -4.0, 1.0], [0.0, 4.0, 30.0, 1.0], [40.0, 4.0, -4.0, 1.0], *[[1.0, 4, -20, 1]] * 9])
    where = replace(open_place, lamps=lamps)
    kept, ends = lamp_rows([where], np.ones(1, bool), views)
    assert len(kept) == MAX_LAMPS and ends.tolist() == [0, MAX_LAMPS]
    assert kept[0, :3] == pytest.approx(lamps[0, :3])
    assert not any(np.allclose(row[:3], lamps[k, :3]) for row in kept for k in (1, 2))
    assert lamp_rows([where], np.zeros(1, bool), views)[1].tolist() == [0, 0]


def test_a_view_has_the_same_lamps_alone_and_among_others(block):
    """And they are the nearest to what it shows of those within reach."""
    _, posed = block
    cameras = [sample_camera(np.random.default_rng(k), 30.0 * k) for k in range(30)]
    places = [place(list(BACKDROPS.values())[k % 16], np.random.default_rng(k)) for k in range(30)]
    dark = np.arange(30) % 3 > 0
    rows, ends = lamp_rows(places, dark, frames(cameras, posed.positions[None], np.zeros(30, np.int64), SIZE))
    for k in range(30):
        view = frames(cameras[k : k + 1], posed.positions[None], np.zeros(1, np.int64), SIZE)
        alone, _ = lamp_rows(places[k : k + 1], dark[k : k + 1], view)
        assert np.array_equal(alone, rows[ends[k] : ends[k + 1]])
        to_lamp = places[k].lamps[:, :3] - view.eye[0]
        depth, right = to_lamp @ view.forward[0].astype(float), to_lamp @ view.right[0].astype(float)
        x, _, half, _ = view.window[0]
        aside = np.abs(right - x * depth) - half * np.maximum(depth, 0)
        within = np.flatnonzero((depth > view.distance[0] - REACH) & (aside < REACH)) if dark[k] else np.empty(0, int)
        off = np.maximum(aside, 0) + np.maximum(depth - view.distance[0], 0)
        expected = sorted(within, key=lambda lamp: off[lamp])[:MAX_LAMPS]
        assert alone[:, :3] == pytest.approx(places[k].lamps[expected, :3], abs=1e-5)


@pytest.mark.parametrize("name", BACKDROPS)
def test_every_place_has_lamps_of_its_own_around(name):
    lamps = np.concatenate([place(BACKDROPS[name], keyed_rng(seed, "lamps")).lamps for seed in range(5)])
    assert len(lamps) >= 5 * 4
    assert (np.abs(lamps[:, [0, 2]]).max(1) > 0.9).all() and (lamps[:, 1] > 2.3).all()
