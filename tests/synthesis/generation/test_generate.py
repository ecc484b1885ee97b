import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
import simplejpeg
import yaml
from PIL import Image

import datasets
from closerlook.attributes import Design, Factor
from closerlook.dataset import open_dataset
from closerlook.dataset.decoding import read_bytes, read_image
from closerlook.errors import CloserlookError, UsageError
from closerlook.synthesis import estimate, generate
from closerlook.synthesis.generation import render_person
from closerlook.synthesis.generation.annotating import annotate
from closerlook.synthesis.generation.design import camera_number
from closerlook.synthesis.generation.settings import SCENE_PER
from closerlook.synthesis.generation.tasks import WORK_NAME
from closerlook.synthesis.humans.cache import load_person
from closerlook.synthesis.scenes.sensor import compress

pytestmark = pytest.mark.slow


LEVELS = {"viewpoint": [0, 90], "weather": ["sunny", "blizzard"], "illumination": ["noon", "night"]}
ONE_CELL = {"viewpoint": [0], "weather": ["sunny"], "illumination": ["noon"]}
SMALL: dict[str, Any] = {"identities": 2, "levels": LEVELS, "size": (64, 32), "workers": 1, "seed": 3}

Usage = namedtuple("Usage", "total used free")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("whole") / "data"
    return generate(out=root, **SMALL)


def test_a_design_becomes_a_data_set(whole):
    assert len(whole) == 2 * 2 * 2 * 2
    assert [factor.name for factor in whole.factors] == ["viewpoint", "weather", "illumination"]
    assert whole.factor("weather").levels == ("sunny", "blizzard")
    assert whole.table["split"].unique().to_list() == ["train"]
    for path in whole.paths:
        assert simplejpeg.decode_jpeg_header(path.read_bytes())[:2] == (64, 32)
    made = ["README.md", "design.yaml", "images", "metadata.parquet", "render.yaml"]
    assert sorted(p.name for p in whole.root.iterdir()) == made


def test_files_are_named_as_finegpr_names_them(whole):
    for row in whole.table.iter_rows(named=True):
        found = re.fullmatch(r"images/(\d{4})/\1_c(\d\d)_w(\d\d)_l(\d\d)_p(\d\d)\.jpg", row["file_name"])
        assert int(found[1]) == row["identity"]
        assert int(found[2]) == row["camera"] == {90: 1, 0: 28}[row["viewpoint"]]
        assert int(found[3]) == {"sunny": 1, "blizzard": 6}[row["weather"]]
        assert int(found[4]) == {"noon": 4, "night": 7}[row["illumination"]]


@pytest.mark.parametrize(("viewpoint", "camera"), [(90, 1), (100, 2), (350, 27), (0, 28), (80, 36), (45, 1450)])
def test_cameras_count_from_the_front_in_steps_of_ten_degrees(viewpoint, camera):
    assert camera_number(viewpoint) == camera


def test_every_tenth_of_a_degree_is_another_camera():
    assert len({camera_number(tenths / 10) for tenths in range(3600)}) == 3600
    assert camera_number(22.5) == 1225 and camera_number(450) == camera_number(90) == 1


def test_boxes_and_labels_are_annotations(whole):
    table = whole.table
    assert {"gender", "backdrop", "sensor"} <= set(table.columns)
    assert (table["box_left"] < table["box_right"]).all() and (table["box_top"] < table["box_bottom"]).all()
    assert table["box_right"].max() <= 32 and table["box_bottom"].max() <= 64
    assert set(table["keypoints"].list.len()) == {51}
    for column in ("gender", "upper_color"):
        assert table.group_by("identity").agg(pl.col(column).n_unique())[column].max() == 1


def test_bytes_do_not_depend_on_the_number_of_workers(whole, tmp_path):
    generate(out=tmp_path / "data", **{**SMALL, "workers": 2})
    assert contents(tmp_path / "data") == contents(whole.root)


def test_a_subset_holds_the_same_images(whole, tmp_path):
    kept = {"viewpoint": [90], "weather": ["blizzard"], "illumination": ["noon", "night"]}
    part = generate(out=tmp_path / "data", **{**SMALL, "levels": kept, "identities": 1, "first_identity": 2})
    assert part.table["identity"].unique().to_list() == [2]
    for name in part.table["file_name"]:
        assert (part.root / name).read_bytes() == (whole.root / name).read_bytes()


@pytest.mark.parametrize("scene_per", ["person", "image"])
def test_what_images_share_follows_scene_per(scene_per, tmp_path):
    data = generate(
        out=tmp_path / "data",
        **{**SMALL, "identities": 1, "scene_per": scene_per, "backdrops": ["park", "shops", "sand"]},
    )
    boxes = data.table.group_by("viewpoint").agg(pl.struct("^box_.*$").n_unique().alias("boxes"))["boxes"]
    if scene_per == "person":
        assert data.table["backdrop"].n_unique() == 1 and boxes.max() == 1
    else:
        assert boxes.min() > 1


@pytest.mark.parametrize("scene_per", SCENE_PER)
def test_a_place_that_gives_people_away_is_told_once_and_on_the_card(scene_per, tmp_path, capsys):
    options = {**SMALL, "identities": 1, "levels": {**LEVELS, "weather": ["sunny"]}, "scene_per": scene_per}
    data = generate(out=tmp_path / "data", **options)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning:")]
    assert [("place" in line, "--scene-per view" in line) for line in told] == [(True, True)] * (scene_per == "person")
    card = (data.root / "README.md").read_text()
    assert ("gives the person away" in card) == (scene_per == "person")
    assert "4 images of 1 rendered people, 64 x 32 pixels" in card
    assert yaml.safe_load(card.split("---")[1])["pretty_name"] == "gpr-plus"
    generate(out=tmp_path / "data", **options)
    assert "warning" not in capsys.readouterr().err  # nothing is rendered


def test_another_seed_is_another_person(whole, tmp_path):
    other = generate(out=tmp_path / "data", **{**SMALL, "identities": 1, "seed": 4})
    name = other.table["file_name"][0].rsplit("_p", 1)[0]
    same_cell = next(path for path in whole.paths if path.as_posix().split("/data/")[1].startswith(name))
    assert other.paths[0].read_bytes() != same_cell.read_bytes()


def test_a_plan_chooses_images(whole, tmp_path):
    @dataclass
    class Sunny:
        def apply(self, table):
            return table.filter(pl.col("weather") == "sunny")

    data = generate(out=tmp_path / "data", **SMALL, plan=Sunny())
    assert data.table["weather"].unique().to_list() == ["sunny"]
    assert len(data) == 8
    assert data.paths[0].read_bytes() == (whole.root / data.table["file_name"][0]).read_bytes()


def test_a_finished_folder_is_only_opened(whole):
    before = {path: path.stat().st_mtime_ns for path in whole.root.rglob("*")}
    again = generate(out=whole.root, **SMALL)
    assert again.table.equals(whole.table)
    assert {path: path.stat().st_mtime_ns for path in whole.root.rglob("*")} == before


@pytest.mark.parametrize(
    "change", [{"seed": 9}, {"size": (64, 40)}, {"scene_per": "person"}, {"identities": 1}, {"sensor": "clean"}]
)
def test_a_folder_with_other_settings_is_refused(whole, change):
    with pytest.raises(CloserlookError, match=rf"rendered with other settings .*: .*{next(iter(change))}\b.* there, "):
        generate(out=whole.root, **{**SMALL, **change})


@pytest.mark.parametrize("name", ["render.yaml"])
@pytest.mark.parametrize("text", ["", "[]", "{", "a: " + "[" * 3000])
def test_damaged_settings_are_named(whole, tmp_path, name, text):
    shutil.copytree(whole.root, tmp_path / "data")
    (tmp_path / "data" / name).write_text(text)
    with pytest.raises(CloserlookError, match=rf"{name} .*Choose another output folder"):
        generate(out=tmp_path / "data", **SMALL)


def test_pictures_and_packages_that_images_are_made_from_are_known(tmp_path, monkeypatch):
    frames = tmp_path / "frames"
    frames.mkdir()
    Image.new("RGB", (64, 128), "gray").save(frames / "a.png")
    asked: dict[str, Any] = {
        "identities": 1,
        "levels": {"viewpoint": [0], "weather": ["sunny"], "illumination": ["noon"]},
    }
    asked |= {"size": (32, 16), "backdrops": [str(frames)], "workers": 1, "out": tmp_path / "data"}
    generate(**asked)
    generate(**asked)
    monkeypatch.setattr("closerlook.synthesis.generation.settings.version", lambda package: "99")
    with pytest.raises(CloserlookError, match=r"sources\.anny \(.* there, 99 now\)"):
        generate(**asked)
    monkeypatch.undo()
    (frames / "camera.yaml").write_text("height: 4")
    with pytest.raises(CloserlookError, match=r"sources\.pictures"):
        generate(**asked)
    (frames / "camera.yaml").unlink()
    os.utime(frames / "a.png", ns=(1, 1))
    with pytest.raises(CloserlookError, match=r"sources\.pictures"):
        generate(**asked)


def test_a_folder_with_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CloserlookError, match="not empty"):
        generate(out=tmp_path, **SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"design": "gpr"}, "Unknown design"),
        ({"levels": {"weather": ["hail"]}}, "Unknown weather 'hail'.*rain"),
        ({"levels": {"illumination": ["evening"]}}, "Unknown level of illumination"),
        ({"levels": {"whether": ["sunny"]}}, "Unknown factor"),
        ({"scene_per": "views"}, "Did you mean 'view'"),
        ({"backdrops": ["moon"]}, "Unknown backdrop"),
        ({"sensor": "eye"}, "Unknown sensor"),
        ({"size": (4, 4)}, "16 to 1024"),
        ({"identities": 0}, "at least 1"),
        ({"first_identity": 0}, "first-identity"),
        ({"workers": 0}, "workers"),
        ({"design": Design("odd", 1, (Factor("mood", ("happy",)),))}, "viewpoint, weather, illumination"),
        ({"design": Design("odd", 1, (Factor("viewpoint", (0.25,)),)), "levels": None}, "to a tenth"),
        ({"design": Design("odd", 1, (Factor("weather", ("hail",)),)), "levels": None}, "Unknown weather 'hail'"),
    ],
)
def test_bad_options_are_usage_errors_and_leave_nothing_behind(options, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        generate(out=tmp_path / "data", **{**SMALL, **options})
    assert not (tmp_path / "data").exists()


def test_a_disk_that_is_too_small_is_refused_before_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 9, 1))
    with pytest.raises(CloserlookError, match=r"need about .* MiB"):
        generate(out=tmp_path / "data", **SMALL)
    assert not (tmp_path / "data" / "metadata.parquet").exists()


def test_a_disk_that_fills_up_says_how_much_is_needed_and_loses_nothing(whole, tmp_path, monkeypatch):
    written = []

    def compress_or_fail(image, sensor):
        written.append(sensor)
        if len(written) > 12:  # in the second person
            monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 9, 1000))
            raise OSError(errno.ENOSPC, "No space left on device")
        return compress(image, sensor)

    with monkeypatch.context() as full:
        full.setattr(render_person, "compress", compress_or_fail)
        with pytest.raises(CloserlookError, match=r"8 images need about .* MiB .* has 0 MiB free"):
            generate(out=tmp_path / "data", **SMALL)
    monkeypatch.undo()
    generate(out=tmp_path / "data", **SMALL)
    assert contents(tmp_path / "data") == contents(whole.root)


def test_an_estimate_counts_without_rendering():
    guess = estimate("gpr-plus")
    assert guess.images == 808 * 12 * 7 * 7
    assert 1e9 < guess.bytes < 1e10 and guess.seconds > 60
    assert "475,104 images" in str(guess)
    assert estimate(**SMALL).images == 16


def test_a_design_may_leave_factors_out(tmp_path):
    design = Design("plain", 1, (Factor("viewpoint", (0, 180)),))
    data = generate(design, out=tmp_path / "data", size=(64, 32), workers=1)
    assert len(data) == 2
    assert data.table["weather"].unique().to_list() == ["neutral"]
    assert [factor.name for factor in data.factors] == ["viewpoint"]


def test_it_loads_with_hugging_face_datasets(whole, tmp_path):
    loaded = datasets.load_dataset("imagefolder", data_dir=str(whole.root), cache_dir=str(tmp_path))["train"]
    assert len(loaded) == len(whole)
    assert loaded[0]["image"].size == (32, 64)
    assert set(loaded["weather"]) == {"sunny", "blizzard"}


def test_shards_hold_the_same_images_and_table(whole, tmp_path):
    made = generate(out=tmp_path / "data", storage="shards", **SMALL)
    assert [read_bytes(path) for path in made.paths] == [path.read_bytes() for path in whole.paths]
    assert made.table.drop("file_name").equals(whole.table.drop("file_name"))
    assert made.table["file_name"].str.replace(".parquet/", "/", literal=True).equals(whole.table["file_name"])
    assert sorted(path.name for path in (tmp_path / "data" / "images").iterdir()) == ["0001.parquet", "0002.parquet"]
    with pytest.raises(CloserlookError, match="storage"):
        generate(out=tmp_path / "data", **SMALL)
    with pytest.raises(UsageError, match="Unknown --storage 'tar'"):
        generate(out=tmp_path / "other", **{**SMALL, "storage": "tar"})
    annotate(made, ("mask",), out=tmp_path / "masks", workers=1)
    masks = [path.with_suffix("").name for path in (tmp_path / "masks" / "mask").rglob("*.png")]
    assert sorted(masks) == sorted(path.stem for path in whole.paths)


def test_a_stopped_run_into_shards_makes_only_those_that_are_missing(tmp_path, monkeypatch):
    root = tmp_path / "data"
    generate(out=root, storage="shards", **SMALL)
    before = contents(root)
    (root / "metadata.parquet").unlink()
    (root / "images" / "0002.parquet").unlink()
    made = []

    def load(*key):
        made.append(key[1])
        return load_person(*key)

    monkeypatch.setattr(render_person, "load_person", load)
    generate(out=root, storage="shards", **SMALL)
    assert made == [2]
    assert contents(root) == before


def test_shards_load_with_hugging_face_datasets(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    made = generate(out=tmp_path / "data", storage="shards", **SMALL)
    loaded = datasets.load_dataset(str(tmp_path / "data"), cache_dir=str(tmp_path / "hf"))
    assert list(loaded) == ["train"]
    assert loaded["train"].features["image"] == datasets.Image()
    for row, path, image in zip(made.table.iter_rows(named=True), made.paths, loaded["train"], strict=True):
        assert np.array_equal(np.asarray(image["image"]), read_image(path))
        assert {name: image[name] for name in ("identity", "camera", "weather", "keypoints")} == {
            name: row[name] for name in ("identity", "camera", "weather", "keypoints")
        }
    files = str(tmp_path / "data" / "images" / "*.parquet")
    alone = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "hf2"))
    assert alone["train"].features["image"] == datasets.Image()


def test_two_runs_do_not_mix_in_one_folder(tmp_path):
    root = tmp_path / "data"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(root), "1"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not list((root / WORK_NAME).glob("*.parquet")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    with pytest.raises(CloserlookError, match="Another run"):
        generate(out=root, **{**SMALL, "identities": 12})
    process.kill()
    process.wait()


SCRIPT = """
import sys
from closerlook.synthesis import generate
levels = {"viewpoint": [0, 90], "weather": ["sunny", "blizzard"], "illumination": ["noon", "night"]}
generate(out=sys.argv[1], identities=12, levels=levels, size=(64, 32), workers=int(sys.argv[2]), seed=3)
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_is_completed_by_the_next_to_the_same_bytes(ending, tmp_path, whole):
    root = tmp_path / "data"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(root), "2"], stderr=subprocess.DEVNULL)
    done = root / WORK_NAME
    deadline = time.monotonic() + 90
    while not (done.is_dir() and len(list(done.glob("*.parquet"))) >= 3):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, ending)
    process.wait()
    time.sleep(0.6)  # its workers notice within 0.2 s
    assert not (root / "metadata.parquet").exists()
    finished = {path.stem for path in done.glob("*.parquet")}
    assert 3 <= len(finished) < 12
    kept = {path: path.stat().st_mtime_ns for path in root.rglob("*.jpg") if f"{int(path.parent.name):06d}" in finished}
    resumed = generate(out=root, **{**SMALL, "identities": 12})
    assert len(resumed) == 12 * 8
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not done.exists()
    for name in whole.table["file_name"]:
        assert (root / name).read_bytes() == (whole.root / name).read_bytes()
    assert not [path for path in root.rglob(".*") if path.name != "."]


def test_the_settings_are_readable(whole):
    settings = yaml.safe_load((whole.root / "render.yaml").read_text())
    assert settings["seed"] == 3 and settings["size"] == [64, 32]
    assert open_dataset(whole.root).table.height == settings["images"]


def test_the_mix_of_people_is_a_setting(tmp_path):
    root, mix = tmp_path / "data", tmp_path / "mix.yaml"
    mix.write_text("female: 0\nchildren: 0\nelderly: 0\n")
    one: dict[str, Any] = {
        **SMALL,
        "identities": 2,
        "levels": {"viewpoint": [0], "weather": ["sunny"], "illumination": ["noon"]},
    }
    data = generate(out=root, population=mix, **one)
    assert set(data.table["gender"]) == {"male"}
    assert yaml.safe_load((root / "render.yaml").read_text())["population"]["female"] == 0
    assert len(generate(out=root, population=mix, **one)) == 2
    with pytest.raises(CloserlookError, match="population"):
        generate(out=root, **one)
