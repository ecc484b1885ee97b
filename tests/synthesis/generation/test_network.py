"""A network of cameras: what may be asked for, what is drawn, and who walks past which; nothing is rendered."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import simplejpeg
from PIL import Image

from closerlook.attributes import Design, Factor, Jitter
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.export import export
from closerlook.errors import CloserlookError, UsageError
from closerlook.synthesis import estimate
from closerlook.synthesis.generation.network import Network, draw_network, visited
from closerlook.synthesis.generation.request import Request, read_request
from closerlook.synthesis.generation.walks import sample_walk
from closerlook.synthesis.scenes.backdrop import BACKDROPS
from closerlook.synthesis.scenes.passing import seen_from
from closerlook.synthesis.scenes.sight import Ways

ONE_LIGHT = {"weather": ["sunny"], "illumination": ["noon"]}
NETWORK: dict[str, Any] = {"identities": 24, "cameras": 6, "levels": ONE_LIGHT}


def requested(design: str | Design = "gpr-plus", **options: Any) -> Request:
    asked: Any = {**NETWORK, **options}
    return read_request(design, asked)


@pytest.fixture(scope="module")
def benchmark() -> pl.DataFrame:
    return requested(splits=True, levels={"weather": ["sunny", "foggy"], "illumination": ["noon"]}).table


def test_everybody_walks_past_two_cameras_to_all(benchmark: pl.DataFrame) -> None:
    seen = benchmark.group_by("identity").agg(pl.col("camera").n_unique())["camera"]
    assert len(seen) == 24 and set(seen) <= set(range(2, 7)) and seen.n_unique() > 2
    assert benchmark["camera"].unique().sort().to_list() == [1, 2, 3, 4, 5, 6]
    counts = [len(visited(0, identity, 6)) for identity in range(2000)]
    assert np.bincount(counts)[2:] == pytest.approx(400, abs=80)


def test_a_walk_has_its_frames_in_every_light(benchmark: pl.DataFrame) -> None:
    per_walk = benchmark.group_by("identity", "camera").agg(
        pl.len(), pl.col("frame").n_unique(), pl.col("walk_course").n_unique().alias("courses")
    )
    assert set(per_walk["len"]) == {8} and set(per_walk["frame"]) == {4} and set(per_walk["courses"]) == {1}
    assert benchmark["file_name"].n_unique() == benchmark.height
    assert benchmark["file_name"].str.contains(r"^images/(\d{4})/\d{4}_c0[1-6]_w0\d_l04_p\d\d_f0[1-4]\.jpg$").all()


def test_each_light_may_have_a_walk_of_its_own() -> None:
    table = requested(scene_per="image", levels={"weather": ["sunny", "foggy"], "illumination": ["noon"]}).table
    assert set(table.group_by("identity", "camera").agg(pl.col("walk_course").n_unique())["walk_course"]) == {2}


def test_viewpoints_are_levels_near_to_the_heading() -> None:
    table = requested(levels={**ONE_LIGHT, "viewpoint": [60, 90, 120]}).table
    off = (pl.col("heading") - pl.col("viewpoint") + 180) % 360 - 180
    assert set(table["viewpoint"]) == {60, 90, 120}
    assert table.select((off.abs() <= 15.001).mean()).item() > 0.98  # else no walk will do
    every = requested().table
    assert every["viewpoint"].n_unique() == 12 and every.select((off.abs() <= 15.001).all()).item()
    assert every["heading"].is_between(0, 360).all()


def test_splits_have_people_apart_and_a_query_for_each_person_and_camera(benchmark: pl.DataFrame) -> None:
    people = {name: set(part["identity"]) for (name,), part in benchmark.partition_by("split", as_dict=True).items()}
    assert not people["train"] & (people["query"] | people["gallery"])
    assert len(people["train"]) == len(people["gallery"]) == 12
    test = benchmark.filter(pl.col("split") != "train")
    per_camera = test.group_by("identity", "camera").agg((pl.col("split") == "query").sum().alias("queries"))
    assert set(per_camera["queries"]) == {1}
    gallery = test.filter(pl.col("split") == "gallery")
    cross = test.filter(pl.col("split") == "query").join(gallery, on="identity")
    matched = cross.filter(pl.col("camera") != pl.col("camera_right"))["file_name"].unique()
    assert set(matched) == set(test.filter(pl.col("split") == "query")["file_name"])
    assert test.filter(pl.col("split") == "query")["frame"].n_unique() == 4


def test_more_people_and_more_cameras_leave_the_first_as_they_were(benchmark: pl.DataFrame) -> None:
    fewer = requested(splits=True, identities=7, levels={"weather": ["sunny", "foggy"], "illumination": ["noon"]})
    assert fewer.table.equals(benchmark.filter(pl.col("identity") <= 7))
    three, six = (
        draw_network(5, Network(({},) * count, 1, (0.0,)), ["park", "street"], [], "cctv") for count in (3, 6)
    )
    for few, more in zip(three, six, strict=False):
        assert few.camera == more.camera and few.sensor == more.sensor
        assert np.array_equal(few.place.panels.corner, more.place.panels.corner)


def test_a_subset_of_lights_has_the_same_walks(benchmark: pl.DataFrame) -> None:
    columns = ["file_name", "heading", "walk_x", "walk_z", "walk_course"]
    assert requested().table.select(columns).equals(benchmark.filter(pl.col("weather") == "sunny").select(columns))


def test_places_are_used_once_before_any_is_used_again() -> None:
    names = [fixed.place.backdrop.name for fixed in requested(cameras=len(BACKDROPS) + 2).settings.cameras]
    assert len(set(names[: len(BACKDROPS)])) == len(BACKDROPS)
    assert names[len(BACKDROPS) :] == names[:2]


def test_a_design_says_what_cameras_are_like(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "identities: 3\nfactors: {weather: [sunny]}\nframes: 2\n"
        "cameras: [{backdrop: park, camera.height: 5, camera.pitch: 20, sensor.exposure: 1.5}, {}]\n"
    )
    request = read_request(path, {})
    first, second = request.settings.cameras
    assert (first.place.backdrop.name, first.camera.height, first.sensor.exposure) == ("park", 5.0, 1.5)
    assert first.camera.pitch == pytest.approx(20.0) and second.camera.height != 5.0
    assert request.table.group_by("identity", "camera").len()["len"].unique().to_list() == [2]
    assert Design.from_dict(request.design.to_dict(), where="again") == request.design
    assert len(read_request(path, {"cameras": 4}).settings.cameras) == 4
    assert estimate(path).images == request.table.height


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cameras": 1}, "2 to 99 cameras, not 1"),
        ({"cameras": 100}, "2 to 99 cameras"),
        ({"cameras": -3}, "2 to 99 cameras"),
        ({"scene_per": "person"}, "view .* or image"),
        ({"cameras": None, "splits": True}, "--splits .* needs fixed cameras"),
    ],
)
def test_what_cannot_be_is_told(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        requested(**change)


PLAIN = Design("mine", 3, (Factor("weather", ("sunny",)),))


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (replace(PLAIN, factors=(Factor("camera_height", (2, 4)),)), "camera.height, which each camera"),
        (replace(PLAIN, jitter={"camera.distance": Jitter("uniform", (3, 9))}), "camera.distance, which each camera"),
        (replace(PLAIN, frames=0), "frames must be 1 to 99"),
        (replace(PLAIN, cameras=({"backdrop": "moon"}, {})), "backdrop of a camera"),
        (replace(PLAIN, cameras=({"camera.right": 0.2}, {})), "entry of a camera"),
        (replace(PLAIN, cameras=({"camera.height": 99}, {})), "0 to 50"),
    ],
)
def test_designs_that_cannot_be_networks_are_told(design: Design, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_request(design, {"cameras": 2})


@pytest.mark.parametrize("written", [{"cameras": "six"}, {"cameras": 100}, {"cameras": [6]}, {"frames": "4"}])
def test_a_file_that_holds_something_else_is_told(written: dict[str, object]) -> None:
    with pytest.raises(CloserlookError, match=next(iter(written))):
        Design.from_dict({"identities": 1, "factors": {}, **written}, where="mine.yaml")


def test_pictures_of_the_users_own_are_no_network(tmp_path) -> None:
    Image.new("RGB", (64, 64), "gray").save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="is a picture"):
        requested(backdrops=[str(tmp_path)])


def test_nobody_walks_through_walls_or_out_of_the_frame() -> None:
    network = Network(({},) * 6, 4, tuple(float(heading) for heading in range(0, 360, 30)))
    for fixed in draw_network(1, network, list(BACKDROPS), [], "cctv"):
        walks = [sample_walk(fixed, network, 1, ("walk", identity, 1)) for identity in range(20)]
        x, z, course = np.array([[list(asdict(step).values()) for step in walk.steps] for walk in walks]).T
        assert (np.ptp(course, axis=0) == 0).all()
        viewpoint, distance = seen_from(fixed.camera, x, z, course)
        assert viewpoint == pytest.approx(np.array([walk.viewpoints for walk in walks]).T)
        ways = Ways(x.T, z.T, course[0])
        fine = (fixed.sight.room(ways) > 0.49).all(1) & (fixed.sight.shown(ways) > 0.74).all(1)
        assert fine.mean() >= 0.9 and distance.min() > 1.5


def test_a_benchmark_is_exported_for_readers_that_take_one_digit_of_camera(benchmark, tmp_path) -> None:
    folder, picture = tmp_path / "data", simplejpeg.encode_jpeg(np.zeros((16, 8, 3), np.uint8))
    for name in benchmark["file_name"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture)
    export(Dataset.from_table(folder, benchmark, "network"), tmp_path / "market")
    names = open_dataset(f"market1501:{tmp_path / 'market'}").table["file_name"]
    assert names.str.contains(r"^(bounding_box_train|bounding_box_test|query)/\d{4}_c[1-6]s1_\d{6}_00\.jpg$").all()
