"""Networks of cameras, rendered: the same bytes however they come about, and what goes with them."""

from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

from closerlook.dataset import open_dataset
from closerlook.errors import CloserlookError
from closerlook.synthesis import generate
from closerlook.synthesis.generation import render_person
from closerlook.synthesis.generation.annotating import annotate
from closerlook.synthesis.scenes.sensor import compress

pytestmark = pytest.mark.slow

SMALL: dict[str, Any] = {
    "identities": 2,
    "cameras": 3,
    "splits": True,
    "levels": {"weather": ["sunny", "blizzard"], "illumination": ["noon"]},
    "size": (64, 32),
    "workers": 1,
    "seed": 3,
}


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return generate(out=tmp_path_factory.mktemp("network") / "data", **SMALL)


def test_a_network_is_a_data_set(whole):
    assert [factor.name for factor in whole.factors] == ["viewpoint", "weather", "illumination"]
    assert set(whole.table["camera"]) <= {1, 2, 3} and set(whole.table["split"]) == {"train", "query", "gallery"}
    of_camera = whole.table.group_by("camera").agg(pl.col("backdrop", "camera_height").n_unique())
    assert set(of_camera["backdrop"]) == set(of_camera["camera_height"]) == {1}
    of_walk = whole.table.group_by("identity", "camera").agg(pl.col("camera_distance").n_unique())
    assert set(of_walk["camera_distance"]) == {4}
    assert whole.table["coverage"].is_between(0.02, 0.9).all()
    written = yaml.safe_load((whole.root / "render.yaml").read_text())
    assert written["splits"] is True and written["network"]["frames"] == 4
    assert yaml.safe_load((whole.root / "design.yaml").read_text())["cameras"] == 3
    card = (whole.root / "README.md").read_text()
    assert "3 fixed ones" in card and "one image a camera is a query" in card
    assert open_dataset(whole.root).table.equals(whole.table)


def test_bytes_do_not_depend_on_the_number_of_workers(whole, tmp_path):
    generate(out=tmp_path / "data", **{**SMALL, "workers": 2})
    assert contents(tmp_path / "data") == contents(whole.root)


def test_one_person_and_one_weather_are_the_same_images(whole, tmp_path):
    kept = {"weather": ["blizzard"], "illumination": ["noon"]}
    part = generate(
        out=tmp_path / "data", **{**SMALL, "levels": kept, "identities": 1, "first_identity": 2, "splits": False}
    )
    assert set(part.table["split"]) == {"train"}
    for name in part.table["file_name"]:
        assert (part.root / name).read_bytes() == (whole.root / name).read_bytes()


def test_a_run_that_failed_is_completed_to_the_same_bytes(whole, tmp_path, monkeypatch):
    written = []

    def fails(image, sensor):
        written.append(sensor)
        if len(written) > (whole.table["identity"] == 1).sum() + 2:  # in the second person
            raise OSError("no more")
        return compress(image, sensor)

    with monkeypatch.context() as failing:
        failing.setattr(render_person, "compress", fails)
        with pytest.raises((OSError, CloserlookError)):
            generate(out=tmp_path / "data", **SMALL)
    generate(out=tmp_path / "data", **SMALL)
    assert contents(tmp_path / "data") == contents(whole.root)


@pytest.mark.parametrize("change", [{"cameras": 4}, {"splits": False}, {"cameras": None, "splits": False}])
def test_another_network_is_refused(whole, change):
    with pytest.raises(CloserlookError, match="rendered with other settings"):
        generate(out=whole.root, **{**SMALL, **change})


def test_annotations_are_those_of_the_images(whole, tmp_path):
    annotate(whole, ["mask"], out=tmp_path, workers=1)
    for row in whole.table.iter_rows(named=True):
        mask = Image.open((tmp_path / "mask" / row["file_name"].removeprefix("images/")).with_suffix(".png"))
        assert np.asarray(mask).mean() / 255 == pytest.approx(row["coverage"], abs=0.003)


def test_boxes_show_enough_of_the_person_where_asked(tmp_path):
    path = tmp_path / "tight.yaml"
    tight = "".join(f"  camera.crop.{name}: {{choice: [1]}}\n" for name in ("fit", "height", "aspect"))
    hidden = "  camera.occlusion: {choice: [0.6]}\n  camera.crop.least: {choice: [0.3]}\n"
    path.write_text(f"identities: 2\nfactors: {{weather: [sunny]}}\ncameras: 2\nframes: 6\njitter:\n{tight}{hidden}")
    data = generate(path, out=tmp_path / "data", size=(64, 32), workers=1)
    shown = data.table.select((pl.col("coverage") >= 0.29).mean()).item()
    assert shown > 0.9 and data.table["occlusion"].max() > 0
