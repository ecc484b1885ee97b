"""Folders as they lie on disks: links, litter, tables beside images, names of any kind."""

import os

import numpy as np
import polars as pl
import pytest

from closerlook.dataset import open_dataset
from closerlook.dataset.decoding import read_image
from closerlook.errors import CloserlookError

from .drawing import noise, write

LITTER = ["._1.png", ".hidden/2.png", "@eaDir/1.png", "a/@eaDir/x.png/3.png", "__MACOSX/4.png"]


def test_litter_and_folders_named_like_images_are_no_images(tmp_path):
    for name in ["a/1.png", "2.JPG", "odd.png/3.png", *LITTER]:
        write(tmp_path / name)
    (tmp_path / "empty.jpg").mkdir()
    assert open_dataset(tmp_path).table["file_name"].to_list() == ["2.JPG", "a/1.png", "odd.png/3.png"]


def test_links_are_followed_each_folder_once(tmp_path):
    write(tmp_path / "elsewhere" / "1.png", seed=1)
    write(tmp_path / "data" / "2.png")
    (tmp_path / "data" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "circle").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "3.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    data = open_dataset(tmp_path / "data")
    assert data.table["file_name"].to_list() == ["2.png", "3.png", "linked/1.png"]
    assert np.array_equal(read_image(data.paths[2]), noise(1))


@pytest.mark.parametrize("layout", ["folder", "market1501", "finegpr"])
def test_names_that_are_not_utf8_are_explained(tmp_path, layout):
    folders = ["bounding_box_train", "query", "bounding_box_test"] if layout == "market1501" else ["a"]
    for folder in folders:
        write(tmp_path / folder / "0001_c1s1_000001_00.jpg")
    os.rename(  # noqa: PTH104 - bytes
        os.fsencode(tmp_path / folders[0] / "0001_c1s1_000001_00.jpg"),
        os.fsencode(tmp_path / folders[0]) + b"/p\xff.jpg",
    )
    with pytest.raises(CloserlookError, match=r"not UTF-8, first '.*p\\udcff\.jpg'"):
        open_dataset(f"{layout}:{tmp_path}")


@pytest.mark.parametrize("name", ["._0001_c1s1_000001_00.jpg", "desktop.ini", "Desktop.ini", "THUMBS.DB", ".DS_Store"])
def test_litter_does_not_stop_market1501(tmp_path, name):
    for folder, image in (("bounding_box_train", "0002_c1s1_000451_03.JPG"), ("query", "0001_c1s1_000001_00.jpg")):
        write(tmp_path / folder / image, format="JPEG")
        (tmp_path / folder / name).write_bytes(b"litter")
    (tmp_path / "bounding_box_test" / "@eaDir").mkdir(parents=True)
    assert open_dataset(f"market1501:{tmp_path}").identities.tolist() == [2, 1]


ROWS = {"metadata.csv": "file_name,identity\na.png,9\n", "metadata.jsonl": '{"file_name": "a.png", "identity": 9}\n'}


@pytest.mark.parametrize("table", ROWS)
def test_a_table_beside_images_is_read(tmp_path, table):
    write(tmp_path / "a.png")
    (tmp_path / table).write_text(ROWS[table])
    data = open_dataset(tmp_path)
    assert data.identities.tolist() == [9]
    assert data.name == tmp_path.name


@pytest.mark.parametrize("table", [*ROWS, "metadata.parquet"])
def test_a_table_a_split_is_read_as_hugging_face_does(tmp_path, table):
    for number, split in enumerate(("train", "query", "gallery")):
        write(tmp_path / split / "a.png", seed=number)
        rows = pl.DataFrame({"file_name": ["a.png"], "identity": [max(number, 1)], "camera": [number]})
        path = tmp_path / split / table
        if table.endswith("csv"):
            rows.write_csv(path)
        elif table.endswith("jsonl"):
            rows.write_ndjson(path)
        else:
            rows.write_parquet(path)
    data = open_dataset(tmp_path)
    assert sorted(data.table.select("file_name", "identity", "camera", "split").rows()) == [
        ("gallery/a.png", 2, 2, "gallery"),
        ("query/a.png", 1, 1, "query"),
        ("train/a.png", 1, 0, "train"),
    ]
    assert all(path.is_file() for path in data.paths)


def test_people_named_in_several_tables_are_numbered_together(tmp_path):
    for split, person in (("train", "zoe"), ("query", "adam"), ("gallery", "adam")):
        write(tmp_path / split / "a.png")
        (tmp_path / split / "metadata.csv").write_text(f"file_name,identity\na.png,{person}\n")
    data = open_dataset(tmp_path)
    assert dict(zip(data.table["split"], data.identities, strict=True)) == {"train": 2, "query": 1, "gallery": 1}


@pytest.mark.parametrize("tables", [("train", "validation", "test"), ("",)])
def test_hugging_faces_parts_are_taken_for_ours(tmp_path, tables):
    """Whether each has a table of its own or the folder has one for all."""
    for folder in ("train", "validation", "test"):
        write(tmp_path / folder / "a.png")
    for start in tables:
        names = ["a.png"] if start else ["train/a.png", "validation/a.png", "test/a.png"]
        (tmp_path / start / "metadata.csv").write_text("\n".join(["file_name", *names]))
    rows = open_dataset(tmp_path).table.sort("file_name").select("file_name", "split").rows()
    assert rows == [("test/a.png", "gallery"), ("train/a.png", "train"), ("validation/a.png", "train")]


def test_a_column_of_splits_says_what_other_folders_mean(tmp_path):
    write(tmp_path / "test" / "a.png")
    write(tmp_path / "test" / "b.png")
    (tmp_path / "test" / "metadata.csv").write_text("file_name,split\na.png,query\nb.png,gallery\n")
    assert open_dataset(tmp_path).table["split"].to_list() == ["query", "gallery"]


@pytest.mark.parametrize(
    ("folder", "loose", "says"),
    [
        ("camera1", None, "nothing says of which split"),
        ("train/deep", None, "nothing says of which split"),
        ("train", "other/b.png", "1 images lie outside"),
        ("train", "b.png", "1 images lie outside"),
    ],
)
def test_tables_that_say_too_little_are_refused_not_passed_over(tmp_path, folder, loose, says):
    write(tmp_path / folder / "a.png")
    (tmp_path / folder / "metadata.csv").write_text("file_name,identity\na.png,1\n")
    if loose:
        write(tmp_path / loose)
    with pytest.raises(CloserlookError, match=says):
        open_dataset(tmp_path)


OUTSIDE = ["../x.png", "images/../../x.png", "/etc/x.png", "link/x.png", "x_link.png"]


@pytest.fixture
def trap(tmp_path):
    """A folder with links that lead out of it."""
    write(tmp_path / "x.png")
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path)
    (folder / "x_link.png").symlink_to(tmp_path / "x.png")
    return folder


@pytest.mark.parametrize("table", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("start", ["", "query"])
def test_a_folders_table_may_not_lead_out_of_it(trap, table, name, start):
    folder = trap
    if start:
        folder = trap.rename(trap.with_name(start))
    rows = pl.DataFrame({"file_name": [name]})
    path = folder / table
    {"csv": rows.write_csv, "jsonl": rows.write_ndjson, "parquet": rows.write_parquet}[table.partition(".")[2]](path)
    with pytest.raises(CloserlookError, match=rf"names 1 files outside .*open it as manifest:.*{table}"):
        open_dataset(folder)


@pytest.mark.parametrize("name", ["../x.png", "images/../../x.png", "link/x.png", "x_link.png", "absolute"])
def test_a_manifest_that_the_user_names_may(trap, name):
    name = str(trap.parent / "x.png") if name == "absolute" else name
    (trap / "people.csv").write_text(f"file_name\n{name}\n")
    data = open_dataset(f"manifest:{trap / 'people.csv'}")
    assert np.array_equal(read_image(data.paths[0]), noise(0))


def test_links_that_stay_inside_are_taken(tmp_path):
    write(tmp_path / "real" / "x.png")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "metadata.csv").write_text("file_name\nlinked/x.png\n")
    assert len(open_dataset(tmp_path)) == 1


def test_msmt17s_lists_may_not_lead_out(tmp_path):
    for name in ("list_train.txt", "list_query.txt", "list_gallery.txt"):
        (tmp_path / name).write_text("../../0000/0000_000_01_0303morning_0008_0.jpg 0\n")
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    with pytest.raises(CloserlookError, match="outside of it"):
        open_dataset(f"msmt17:{tmp_path}")


@pytest.mark.parametrize(
    ("column", "says"), [(pl.lit(3), "'weather' must hold text.* int"), (pl.lit(1.5), "'weather' must hold text")]
)
def test_a_column_of_another_kind_than_its_levels_is_named(people, column, says):
    people.table.with_columns(column.alias("weather")).write_parquet(people.root / "metadata.parquet")
    with pytest.raises(CloserlookError, match=says):
        open_dataset(people.root)


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_a_truncated_table_is_one_message(people, cut):
    path = people.root / "metadata.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CloserlookError, match=r"metadata\.parquet cannot be read as a table"):
        open_dataset(people.root)
