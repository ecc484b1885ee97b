"""A folder without a prefix is opened by its layout, and a note says why; or it could be several."""

import pytest

from closerlook.dataset import open_dataset
from closerlook.dataset.formats.names import LAYOUTS
from closerlook.dataset.formats.recognition import recognize
from closerlook.errors import CloserlookError

from .drawing import write
from .test_cuhk03 import extracted
from .test_layouts import fill, msmt

FOLDERS = ("bounding_box_train", "query", "bounding_box_test")


@pytest.mark.parametrize(
    ("layout", "name"),
    [("market1501", "0002_c1s1_000451_03.jpg"), ("personx", "0001_c1s1_33.jpg"), ("cuhk03-np", "0003_c1_21.png")],
)
def test_folders_like_markets_are_told_apart_by_their_names(tmp_path, capsys, layout, name):
    fill(tmp_path, [f"{folder}/{name}" for folder in FOLDERS])
    data = open_dataset(tmp_path)
    assert data.name == layout
    assert data.table["split"].to_list() == ["train", "query", "gallery"]
    assert f"{tmp_path} is taken for {layout}, because its folders are" in capsys.readouterr().err


def test_layouts_that_names_cannot_tell_apart_are_listed(tmp_path):
    fill(tmp_path, [f"{folder}/0005_c2_f0046985.jpg" for folder in FOLDERS])
    with pytest.raises(CloserlookError, match=rf"several .* dukemtmc:{tmp_path}, occluded-duke:{tmp_path}\."):
        open_dataset(tmp_path)
    assert len(open_dataset(f"occluded-duke:{tmp_path}")) == 3


def test_lists_and_folders_of_images_are_seen(tmp_path):
    assert open_dataset(msmt(tmp_path / "msmt")).name == "msmt17"
    with pytest.raises(CloserlookError, match=r"cuhk03-detected:.*cuhk03-classic-detected:"):
        open_dataset(extracted(tmp_path / "cuhk"))


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "gpr"])
def test_names_say_the_layout(tmp_path, layout):
    example = LAYOUTS[layout].example
    if layout == "clonedperson":
        fill(tmp_path, [f"test/{part}/1_s00_c01_f{number}.jpg" for number, part in enumerate(("query", "gallery"))])
    fill(tmp_path, [example])
    found = recognize(tmp_path)
    assert found is not None and found.layout == layout
    assert "images are named like" in found.why
    assert open_dataset(tmp_path).name == layout


def test_one_picture_of_another_name_makes_a_folder_of_pictures(tmp_path, capsys):
    fill(tmp_path, [LAYOUTS["finegpr"].example, "holiday photo.jpg"])
    assert recognize(tmp_path) is None
    assert open_dataset(tmp_path).table["identity"].null_count() == 2
    assert capsys.readouterr().err == ""


def test_a_table_and_a_prefix_say_more_than_names(tmp_path):
    fill(tmp_path, [f"{number:04d}001.png" for number in range(3)])
    assert open_dataset(tmp_path).name == "cuhk01"
    assert open_dataset(f"folder:{tmp_path}").table["identity"].null_count() == 3
    (tmp_path / "metadata.csv").write_text("file_name,identity\n0000001.png,9\n0001001.png,9\n0002001.png,9\n")
    assert open_dataset(tmp_path).identities.tolist() == [9, 9, 9]


def test_empty_folders_and_markets_are_no_layout(tmp_path):
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
    assert recognize(tmp_path) is None
    write(tmp_path / "query" / "holiday.jpg")
    assert recognize(tmp_path) is None
    with pytest.raises(CloserlookError, match="open it as market1501:"):
        open_dataset(tmp_path)
