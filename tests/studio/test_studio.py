"""Knobs: the picture, and the design and command that render the same one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import simplejpeg
import yaml
from PIL import Image

from closerlook.attributes import Design
from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.studio import Knobs, Nearness, as_command, as_yaml, picture
from closerlook.synthesis import generate

SMALL = Knobs(size=(64, 32))
TURNED = replace(
    SMALL,
    identity=7,
    seed=3,
    viewpoint=62.5,
    weather="rain",
    illumination="dusk",
    backdrop="park",
    sensor="phone",
    parameters={"camera.height": 4.25, "weather.wetness": 1 / 3, "sensor.quality": 60},
    population={"winter": 1.0, "summer": 0.0},
)


@pytest.mark.parametrize("knobs", [SMALL, TURNED, replace(TURNED, scene_per="view"), replace(SMALL, scene_per="image")])
def test_the_design_renders_the_same_picture(knobs: Knobs, tmp_path: Path) -> None:
    (tmp_path / "studio.yaml").write_text(as_yaml(knobs))
    assert Design.load(tmp_path / "studio.yaml") == knobs.design()
    data = generate(tmp_path / "studio.yaml", out=tmp_path / "out", workers=1, **knobs.options())
    assert len(data) == 1
    assert data.paths[0].read_bytes() == picture(knobs)


@pytest.mark.slow
def test_the_command_renders_the_same_picture(tmp_path: Path) -> None:
    program = f'closerlook() {{ "{sys.executable}" -m closerlook "$@"; }}\n'
    subprocess.run(["sh", "-c", program + as_command(TURNED)], cwd=tmp_path, env=os.environ, check=True)
    (made,) = tmp_path.glob("studio/images/*/*.jpg")
    assert made.read_bytes() == picture(TURNED)


def test_every_knob_changes_the_picture_or_who_is_in_it() -> None:
    first = picture(SMALL)
    changed = [
        replace(SMALL, **{name: getattr(TURNED, name)})
        for name in ("identity", "seed", "viewpoint", "weather", "illumination", "backdrop", "sensor")
    ]
    changed += [replace(SMALL, parameters={"camera.focal": 200.0}), replace(SMALL, population=TURNED.population)]
    pictures = {picture(knobs) for knobs in changed}
    assert len(pictures) == len(changed) and first not in pictures
    assert picture(SMALL) == first


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        (replace(SMALL, weather="suny"), "sunny"),
        (replace(SMALL, parameters={"camera.heigth": 2.0}), r"camera\.height"),
        (replace(SMALL, parameters={"camera.height": 99.0}), "0 to 50"),
        (replace(SMALL, backdrop="parc"), "park"),
        (replace(SMALL, population={"wintr": 1.0}), "winter"),
    ],
)
def test_a_knob_that_cannot_be_turned_so_far_is_told(knobs: Knobs, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        picture(knobs)


def test_the_copied_design_begins_with_its_command() -> None:
    first, rest = as_yaml(TURNED).split("\n", 1)
    assert first.removeprefix("# ") == as_command(TURNED).splitlines()[-1]
    assert yaml.safe_load(rest)["factors"]["camera_height"] == [4.25]


def test_a_target_of_such_pictures_is_nearer_than_one_of_noise(tmp_path: Path) -> None:
    rng, near = np.random.default_rng(0), None
    for name in ("people", "noise"):
        (tmp_path / name).mkdir()
        for number in range(6):
            pixels = rng.integers(0, 256, (64, 32, 3), dtype=np.uint8)
            if name == "people":
                pixels = simplejpeg.decode_jpeg(picture(replace(SMALL, viewpoint=60.0 * number)))
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
        table = pl.DataFrame({"file_name": [f"{number}.png" for number in range(6)]})
        target = Dataset.from_table(tmp_path / name, table, name, ())
        measure = Nearness(target, embedding="lite0-pooled", size=(64, 32))
        distance = measure.distance(picture(replace(SMALL, viewpoint=100.0)))
        if near is not None:
            assert distance > 2 * near
            continue
        near = distance
        own = [measure.distance(picture(replace(SMALL, viewpoint=60.0 * number))) for number in range(6)]
        assert 0.3 < np.mean(own) < 0.5  # half of the mean distance of two, about a mean that they are part of
        low, high = measure.usual
        assert min(own) - 0.05 <= low < high <= max(own) + 0.05
        assert f"{distance:.2f}" in measure.describe(picture(replace(SMALL, viewpoint=100.0)))
