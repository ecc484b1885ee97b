"""Levels of weather and illumination, measured on rendered people: ordered, and told apart by a plain classifier."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from closerlook.attributes import ILLUMINATIONS as TIMES, WEATHERS as SKIES
from closerlook.randomness import keyed_rng, keyed_seed
from closerlook.synthesis.humans import pose_person, sample_person, sample_pose
from closerlook.synthesis.rendering.renderer import ImageRequest, Renderer, View
from closerlook.synthesis.scenes.backdrop import BACKDROPS, place
from closerlook.synthesis.scenes.camera import sample_camera
from closerlook.synthesis.scenes.sensor import Sensor, sample_sensor
from closerlook.synthesis.scenes.sky import ILLUMINATIONS
from closerlook.synthesis.scenes.weather import WEATHERS

pytestmark = pytest.mark.slow


PEOPLE, VIEWS, HELD_OUT = 14, 5, 4
GRAY = np.array([0.2126, 0.7152, 0.0722])


def drawn_view(identity, number, kind):
    """A view of ``identity``: any camera and place, and any sensor of a kind."""
    rng = keyed_rng(identity, "view", number)
    camera = replace(sample_camera(rng, float(rng.integers(12) * 30)), occlusion=0.0)
    backdrop = list(BACKDROPS.values())[(identity * VIEWS + number) % len(BACKDROPS)]
    return View(camera, place(backdrop, rng), sample_sensor(rng, kind))


@pytest.fixture(scope="module")
def images():
    """(people, views, weathers, illuminations, 128, 64, 3) 0 to 1, by surveillance cameras."""
    renderer = Renderer((128, 64))
    made = []
    for identity in range(PEOPLE):
        person = sample_person(5, identity + 1)
        renderer.set_person(person)
        for number in range(VIEWS):
            posed = pose_person(person, sample_pose(keyed_rng(identity, "pose", number)))
            cells = [(sky, time) for sky in SKIES for time in TIMES]
            requests = [ImageRequest.from_names(*cell, keyed_seed(0, identity, number, *cell)) for cell in cells]
            made.append(renderer.render_view(posed, drawn_view(identity, number, "cctv"), requests))
    return np.stack(made).reshape(PEOPLE, VIEWS, 7, 7, 128, 64, 3).astype(np.float32) / 255


def means(images, values):
    return dict(zip(SKIES, values.mean((0, 1)), strict=True))


def by_time(row):
    return dict(zip(TIMES, row, strict=True))


def test_times_of_day_are_ordered_by_brightness_in_every_weather(images):
    brightness = (images @ GRAY).mean((4, 5))
    for sky, row in means(images, brightness).items():
        level = by_time(row)
        order = ("midnight", "night", "dusk", "dawn", "afternoon", "forenoon", "noon")
        assert [level[time] for time in order] == sorted(level.values()), sky
        assert level["midnight"] > 0.12  # a person can be made out
        assert level["night"] < 0.65 * level["noon"]


def test_weathers_are_ordered_by_contrast_and_snow_is_brightest(images):
    contrast = {sky: by_time(row)["noon"] for sky, row in means(images, (images @ GRAY).std((4, 5))).items()}
    assert contrast["foggy"] < contrast["overcast"] < contrast["neutral"] < contrast["clouds"] < contrast["sunny"]
    bright = {sky: by_time(row)["noon"] for sky, row in means(images, (images @ GRAY).mean((4, 5))).items()}
    assert max(bright, key=lambda sky: bright[sky]) == "blizzard"
    assert bright["snowlight"] > bright["clouds"]


def test_light_has_its_color(images):
    red_to_blue = images[..., 0].mean((4, 5)) / images[..., 2].mean((4, 5))
    warm = {sky: by_time(row) for sky, row in means(images, red_to_blue).items()}
    for sky in SKIES:
        assert warm[sky]["night"] > warm[sky]["dusk"] > warm[sky]["dawn"]
        assert warm[sky]["night"] > 1.25 * warm[sky]["midnight"]
    assert warm["overcast"]["noon"] > warm["sunny"]["noon"] > warm["blizzard"]["noon"]


def statistics(images):
    """(n, 50) plain numbers of images: means, deviations and quantiles of three bands, and how rough rows are."""
    gray = images @ GRAY
    rows = []
    for low, high in ((0, 32), (32, 96), (96, 128)):
        band, values = images[:, low:high].reshape(len(images), -1, 3), gray[:, low:high].reshape(len(images), -1)
        rows += [band.mean(1), band.std(1), np.quantile(values, [0.02, 0.1, 0.5, 0.9, 0.98], axis=1).T]
        rows.append((band.max(2) - band.min(2)).mean(1)[:, None])
    for axis in (1, 2):
        rough = np.abs(np.diff(gray, axis=axis))[:, :120].reshape(len(images), 8, -1).mean(2)
        rows.append(rough)
    return np.concatenate(rows, axis=1)


def accuracy(images, times):
    chosen = images[:, :, :, [TIMES.index(time) for time in times]]
    features = statistics(chosen.reshape(-1, 128, 64, 3)).reshape(PEOPLE, -1, 52)
    sky = np.broadcast_to(np.arange(7)[:, None], chosen.shape[1:4]).ravel()
    known, new = features[HELD_OUT:], features[:HELD_OUT]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=600))
    model.fit(known.reshape(-1, 52), np.tile(sky, len(known)))
    return float((model.predict(new.reshape(-1, 52)) == np.tile(sky, len(new))).mean())


def test_a_plain_classifier_tells_the_weathers_apart_on_people_it_has_not_seen(images):
    day, always = accuracy(images, ("forenoon", "noon", "afternoon")), accuracy(images, TIMES)
    print(f"weather of held-out people: {day:.2f} by day, {always:.2f} at all times, 0.14 by chance")
    assert day > 0.66 and always > 0.48


@pytest.fixture(scope="module")
def clear_view():
    renderer = Renderer((128, 64))
    person = sample_person(5, 3)
    renderer.set_person(person)
    posed = pose_person(person, sample_pose(keyed_rng(1, "pose")))
    view = drawn_view(3, 1, "clean")
    return renderer, posed, View(replace(view.camera, distance=7.0, height=3.0), view.place, Sensor(adaptation=0.0))


def shown(clear_view, weathers):
    renderer, posed, view = clear_view
    images = renderer.render_view(
        posed, view, [ImageRequest(weather, ILLUMINATIONS["noon"], 9) for weather in weathers]
    )
    gbuffer = renderer.gbuffer()
    return images.astype(np.float64) @ GRAY, gbuffer.color[0, :, :, 3], gbuffer


def test_thicker_fog_takes_more_contrast_step_by_step(clear_view):
    weathers = [replace(WEATHERS["foggy"], extinction=value) for value in np.geomspace(0.001, 0.3, 12)]
    images, mask, _ = shown(clear_view, weathers)
    place, person = images[:, mask == 0].std(1), images[:, mask == 1].std(1)
    assert (np.diff(place) < 0).all() and (np.diff(person) < 0).all()
    named, _, _ = shown(clear_view, [replace(WEATHERS["foggy"], extinction=0.0), WEATHERS["foggy"]])
    kept = named[1][mask == 1].std() / named[0][mask == 1].std()
    assert kept > 0.45  # seven meters away, who it is can still be seen


@pytest.mark.parametrize("name", ["flakes", "snow_cover", "wetness", "direct", "cloud"])
def test_every_parameter_acts_continuously(clear_view, name):
    base = WEATHERS["rain" if name == "wetness" else "snowlight"]
    steps = np.linspace(0.0, 0.5 if name == "cloud" else 1.0, 9)
    changes: list[dict[str, Any]] = [{name: float(step)} for step in steps]
    images, _, _ = shown(clear_view, [replace(base, **change) for change in changes])
    change = np.abs(np.diff(images, axis=0)).mean((1, 2))
    whole = np.abs(images[-1] - images[0]).mean()
    assert whole > 0.5
    assert change.max() < 0.6 * max(whole, change.sum())  # no jump


def test_rain_darkens_the_ground_and_draws_streaks(clear_view):
    rain = WEATHERS["rain"]
    dry, wet, falling = (replace(rain, wetness=0.0, flakes=0.0), replace(rain, flakes=0.0), rain)
    images, mask, gbuffer = shown(clear_view, [dry, wet, falling])
    ground = (mask == 0) & (gbuffer.facing[1, ..., 1] > 0.9)
    assert images[1][ground].mean() < 0.97 * images[0][ground].mean()
    streaks = np.abs(images[2] - images[1])
    along, across = (np.abs(np.diff(streaks, axis=axis)).mean() for axis in (0, 1))
    assert streaks.mean() > 0.5 and along < 0.5 * across  # upright lines
