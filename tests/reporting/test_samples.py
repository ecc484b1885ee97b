"""Pictures of a data set: the right image at the right place."""

import base64

import numpy as np
import polars as pl
import pytest
import simplejpeg

from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.reporting import samples

WEATHER, HOUR = Factor("weather", ("sunny", "clouds", "foggy")), Factor("illumination", ("noon", "night"))


def gray(person, weather, hour):
    """What an image's every pixel is worth: told apart even after two JPEG passes."""
    return 40 * WEATHER.index(weather) + 20 * HOUR.index(hour) + 5 * person


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for person in (1, 2):
        for weather in WEATHER.levels:
            for hour in HOUR.levels:
                name = f"{person}-{weather}-{hour}.jpg"
                image = np.full((128, 64, 3), gray(person, weather, hour), np.uint8)
                (folder / name).write_bytes(simplejpeg.encode_jpeg(image, quality=100))
                rows.append({"file_name": name, "identity": person, "weather": weather, "illumination": hour})
    return Dataset.from_table(folder, pl.DataFrame(rows), "toy", (WEATHER, HOUR))


def decoded(uri):
    assert uri.startswith("data:image/jpeg;base64,")
    return simplejpeg.decode_jpeg(base64.b64decode(uri.split(",")[1]))


def test_a_strip_varies_one_factor_and_stacks_the_people(data):
    strips = {strip.factor: strip for strip in samples.level_strips(data)}
    assert [label for label, _ in strips["weather"].columns] == list(WEATHER.levels)
    for label, uri in strips["weather"].columns:
        picture = decoded(uri)
        assert picture.shape == (256, 64, 3)
        for place, person in enumerate((1, 2)):
            assert np.abs(picture[128 * place + 64, 32].astype(int) - gray(person, label, "noon")).max() <= 2


def test_the_grid_has_one_person_in_every_combination(data):
    found = samples.grid(data, "weather", "illumination")
    assert found.columns == HOUR.levels
    assert tuple(label for label, _ in found.rows) == WEATHER.levels
    for weather, uri in found.rows:
        picture = decoded(uri)
        assert picture.shape == (128, 2 * 64, 3)
        for j, hour in enumerate(HOUR.levels):
            assert np.abs(picture[64, 64 * j + 32].astype(int) - gray(1, weather, hour)).max() <= 2


def test_no_grid_without_every_cell_or_without_the_factor(data):
    holed = data.take(np.arange(1, len(data)))
    assert samples.grid(holed, "weather", "illumination") is None
    assert samples.grid(data, "weather", "viewpoint") is None


def test_a_sample_is_never_larger_than_the_data(data):
    assert decoded(samples.sample(data, 5)).shape == (128, 5 * 64, 3)
    assert decoded(samples.sample(data, 50)).shape == (128, len(data) * 64, 3)
