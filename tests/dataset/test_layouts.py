"""Layouts other than Market-1501's: each name by the released data's own rules, and no name by accident."""

import pytest
from hypothesis import given, settings, strategies as st

from closerlook.attributes import ILLUMINATIONS, WEATHERS
from closerlook.dataset import open_dataset
from closerlook.dataset.formats import FORMATS
from closerlook.dataset.formats.names import LAYOUTS
from closerlook.errors import CloserlookError

from .drawing import write


def fill(root, names):
    for number, name in enumerate(names):
        write(root / name, seed=number)
    return root


def columns(data, *names):
    return list(data.table.sort("file_name").select(names).iter_rows())


def test_finegpr_angles_weathers_and_hours(tmp_path):
    # c01 faces the camera (90 degrees), each next one is 10 more, c28 is 0; scenes are columns but no factor.
    names = [
        "0001_c01_w01_l01_p01.jpg",
        "0001_c28_w06_l07_p09.jpg",
        "0002_c29_w07_l04_p02.jpg",
        "1150_c36_w02_l02_p03.jpg",
    ]
    data = open_dataset(f"finegpr:{fill(tmp_path / 'FineGPR', [f'{name[:4]}/{name}' for name in names])}")
    assert columns(data, "identity", "camera", "viewpoint", "weather", "illumination", "scene") == [
        (1, 1, 90, "sunny", "midnight", 1),
        (1, 28, 0, "blizzard", "night", 9),
        (2, 29, 10, "snowlight", "noon", 2),
        (1150, 36, 80, "clouds", "dawn", 3),
    ]
    assert [factor.name for factor in data.factors] == ["viewpoint", "weather", "illumination"]
    assert data.factor("weather").levels == ("sunny", "clouds", "blizzard", "snowlight")
    flat = open_dataset(f"finegpr:{fill(tmp_path / 'FineGPR_subset', names)}")
    assert columns(flat, "identity", "viewpoint") == columns(data, "identity", "viewpoint")


@given(st.integers(1, 1150), st.integers(1, 36), st.integers(1, 7), st.integers(1, 7), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_every_finegpr_name_says_what_it_says(tmp_path_factory, person, view, weather, light, scene):
    root = tmp_path_factory.mktemp("gpr")
    (root / f"{person:04d}_c{view:02d}_w{weather:02d}_l{light:02d}_p{scene:02d}.jpg").touch()
    row = open_dataset(f"finegpr:{root}").table.row(0, named=True)
    assert (row["identity"], row["scene"]) == (person, scene)
    assert row["viewpoint"] == (90 + 10 * (view - 1)) % 360
    assert (row["weather"], row["illumination"]) == (WEATHERS[weather - 1], ILLUMINATIONS[light - 1])


def test_randperson_in_both_orders(tmp_path):
    root = fill(tmp_path, ["000000_s00_c00_f000264.jpg", "000000_c01_s00_f000265.jpg", "000007_s01_c01_f000001.jpg"])
    data = open_dataset(f"randperson:{root}")
    assert columns(data, "identity", "scene", "camera", "frame") == [(1, 0, 2, 265), (1, 0, 1, 264), (8, 1, 3, 1)]
    assert set(data.table["split"]) == {"train"}


def test_clonedperson_splits_by_folder(tmp_path):
    names = ["train/700000_s02_c00_f023389.jpg", "test/query/1_s00_c01_f2.jpg", "test/gallery/1_s00_c02_f3.jpg"]
    data = open_dataset(f"clonedperson:{fill(tmp_path, names)}")
    assert columns(data, "split", "identity", "camera") == [("gallery", 2, 2), ("query", 2, 1), ("train", 700001, 3)]


def test_unrealperson_people_and_cameras_are_told_apart_by_two_numbers(tmp_path):
    names = ["unreal_v1.1/images/5_c0_1.jpg", "unreal_v1.2/images/5_c0_1.jpg", "unreal_v2.1/images/5_c0_1.jpg"]
    data = open_dataset(f"unrealperson:{fill(tmp_path, names)}")
    assert columns(data, "identity", "camera") == [(1, 1), (2, 1), (1, 2)]
    assert len(open_dataset(f"unrealperson:{tmp_path / 'unreal_v2.1'}")) == 1


def test_weperson(tmp_path):
    data = open_dataset(f"weperson:{fill(tmp_path, ['0000/0000_c00_s00_T04.png', '0000/0000_c03_s01_T05.png'])}")
    assert columns(data, "identity", "camera", "scene", "time") == [(1, 1, 0, 4), (1, 2, 1, 5)]


@pytest.mark.parametrize(
    ("layout", "name", "labels"),
    [
        ("dukemtmc", "0005_c2_f0046985.jpg", {"identity": 5, "camera": 2, "frame": 46985}),
        ("personx", "0001_c3s1_33.jpg", {"identity": 1, "camera": 3, "sequence": 1, "view": 33}),
    ],
)
def test_names_of_others_in_markets_folders(tmp_path, layout, name, labels):
    fill(tmp_path, [f"{folder}/{name}" for folder in ("bounding_box_train", "query", "bounding_box_test")])
    data = open_dataset(f"{layout}:{tmp_path}")
    assert data.name == layout
    for row in data.table.iter_rows(named=True):
        assert {key: row[key] for key in labels} == labels
    with pytest.raises(CloserlookError, match="0002_c1s1_000451_03"):
        open_dataset(f"market1501:{tmp_path}")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_image_of_another_name_is_named(tmp_path, layout):
    fill(tmp_path, [LAYOUTS[layout].example, "holiday photo.jpg"])
    (tmp_path / "readme.txt").write_text("not an image")
    with pytest.raises(CloserlookError, match=r"1 of 2 images .* holiday photo\.jpg"):
        open_dataset(f"{layout}:{tmp_path}")
    (tmp_path / "holiday photo.jpg").unlink()
    assert len(open_dataset(f"{layout}:{tmp_path}")) == 1


@pytest.mark.parametrize("layout", [name for name in FORMATS if name not in ("folder", "manifest")])
def test_an_empty_folder_and_a_file_are_explained(tmp_path, layout):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name in ("empty", "file"):
        with pytest.raises(CloserlookError, match=name):
            open_dataset(f"{layout}:{tmp_path / name}")


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_name_parses_by_accident_or_ends_in_a_traceback(tmp_path_factory, stem):
    root = tmp_path_factory.mktemp("names")
    (root / ("x" + stem[:30])).with_suffix(".jpg").touch()
    for layout in LAYOUTS:
        with pytest.raises(CloserlookError):
            open_dataset(f"{layout}:{root}")


def msmt(root, folders=("train", "test"), lists=None):
    lists = lists or {
        "train": ["0000/0000_000_01_0303morning_0015_0.jpg 0", "0003/0003_004_15_0302noon_0001_2.jpg 3"],
        "val": ["0003/0003_005_02_0302afternoon_0001_1.jpg 3"],
        "query": ["0000/0000_001_03_0113noon_0031_0.jpg 0"],
        "gallery": ["0000/0000_002_04_0113noon_0032_0.jpg 0", "0002/0002_000_14_0114morning_0001_0.jpg 2"],
    }
    for name, lines in lists.items():
        folder = folders[name in ("query", "gallery")]
        fill(root / folder, [line.split()[0] for line in lines])
        (root / f"list_{name}.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("folders", [("train", "test"), ("mask_train_v2", "mask_test_v2")])
def test_msmt17_of_either_version(tmp_path, folders):
    data = open_dataset(f"msmt17:{msmt(tmp_path / 'MSMT17', folders)}")
    assert list(data.table.select("split", "list", "identity", "camera", "daytime").iter_rows()) == [
        ("train", "train", 1, 1, "morning"),
        ("train", "train", 4, 15, "noon"),
        ("train", "val", 4, 2, "afternoon"),
        ("query", "query", 5, 3, "noon"),
        ("gallery", "gallery", 5, 4, "noon"),
        ("gallery", "gallery", 7, 14, "morning"),
    ]
    assert all(path.is_file() for path in data.paths)
    assert len(open_dataset(f"msmt17:{tmp_path}")) == 6


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda root: (root / "list_query.txt").unlink(), "lacks list_query.txt"),
        (lambda root: (root / "train").rename(root / "elsewhere"), "no folder train or mask_train_v2"),
        (lambda root: (root / "list_query.txt").write_text("0000/0000_001_03.jpg\n"), "list_query.txt, line 1"),
        (lambda root: (root / "list_query.txt").write_bytes(b"\xff\xfe\x00"), "list_query.txt is not a text file"),
        (lambda root: next((root / "test").rglob("*.jpg")).unlink(), "1 of 6 files do not exist"),
        (lambda root: (root / "list_gallery.txt").write_text((root / "list_query.txt").read_text()), "named twice"),
    ],
)
def test_a_damaged_msmt17_is_explained(tmp_path, damage, says):
    damage(msmt(tmp_path))
    with pytest.raises(CloserlookError, match=says):
        open_dataset(f"msmt17:{tmp_path}")


def test_msmt17_without_its_validation_list(tmp_path):
    (msmt(tmp_path) / "list_val.txt").unlink()
    assert len(open_dataset(f"msmt17:{tmp_path}").train) == 2
