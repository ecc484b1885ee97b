import shutil

import numpy as np
import polars as pl
import pytest

from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.dataset import DISTRACTOR, JUNK
from closerlook.dataset.decoding import read_image
from closerlook.dataset.export import LAYOUTS, export, import_table
from closerlook.dataset.exports import market1501
from closerlook.errors import CloserlookError, UsageError

from .drawing import noise, write

SEEDS = [100 * i + 10 * s + c for i, s in ((1, 1), (2, 1), (3, 2), (3, 3), (4, 2), (4, 3)) for c in (1, 2)]
LABELS = ["identity", "camera", "split"]


def test_market_layout_round_trips_through_its_importer(people, tmp_path):
    export(people, tmp_path / "out")
    out = open_dataset(f"folder:{tmp_path / 'out'}")
    again = open_dataset(f"market1501:{tmp_path / 'out'}")
    assert again.table.sort("file_name").select(*LABELS).equals(out.table.sort("file_name").select(*LABELS))
    assert sorted(again.table.select(*LABELS).rows()) == sorted(people.table.select(*LABELS).rows())
    for before, after in zip(people.paths, out.paths, strict=True):
        difference = np.abs(read_image(before).astype(int) - read_image(after).astype(int))
        assert difference.mean() < 4  # PNG noise encoded as JPEG of quality 95


def test_the_exported_folder_keeps_attributes_and_factors(people, tmp_path):
    export(people, tmp_path / "out")
    table = open_dataset(f"folder:{tmp_path / 'out'}")
    assert table.table["weather"].to_list() == people.table["weather"].to_list()
    assert table.factors == people.factors


def test_jpeg_bytes_are_copied_and_market_numbers_kept(tmp_path):
    root = tmp_path / "in"
    names = {
        "bounding_box_train/0005_c1s2_000451_03.jpg": 1,
        "query/0001_c1s1_001051_00.jpg": 2,
        "bounding_box_test/-1_c1s1_000401_03.jpg": 3,
        "bounding_box_test/0000_c6s1_000151_01.jpg": 4,
    }
    for name, seed in names.items():
        write(root / name, seed=seed)
    export(open_dataset(f"market1501:{root}"), tmp_path / "out")
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (root / name).read_bytes()


def test_people_and_cameras_from_zero_are_raised_by_one(people, tmp_path):
    lowered = people.table.with_columns(pl.col("identity") - 1, pl.col("camera") - 1)
    data = Dataset(people.root, lowered, "people", people.factors)
    export(data, tmp_path / "out")
    out = open_dataset(tmp_path / "out")
    assert out.table["identity"].to_list() == people.table["identity"].to_list()
    assert out.table["camera"].to_list() == people.table["camera"].to_list()


def test_a_person_0_a_distractor_and_junk_stay_apart(people, tmp_path):
    """The gallery's person 0 must not become the layout's distractor, nor a distractor a person."""
    gallery = people.filter(pl.col("split") == "gallery")
    identities = [0, DISTRACTOR, JUNK, 1] + [2] * (len(gallery) - 4)
    data = Dataset.from_table(gallery.root, gallery.table.with_columns(identity=pl.Series(identities)), "mixed")
    export(data, tmp_path / "out")
    again = open_dataset(f"market1501:{tmp_path / 'out'}")
    assert sorted(again.table["identity"]) == sorted([1, DISTRACTOR, JUNK, 2] + [3] * (len(gallery) - 4))


@pytest.mark.parametrize("column", ["identity", "camera"])
def test_missing_labels_are_refused(people, tmp_path, column):
    table = people.table.with_columns(pl.lit(None, dtype=pl.Int64).alias(column))
    with pytest.raises(CloserlookError, match=f"12 of 12 images have no {column}"):
        export(Dataset(people.root, table, "people"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_half_written_is_left(people, tmp_path):
    people.paths[7].unlink()
    with pytest.raises(CloserlookError, match=people.paths[7].name):
        export(people, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_an_existing_folder_is_not_touched(people, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep")
    with pytest.raises(CloserlookError, match="exists already"):
        export(people, tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "keep"


def test_what_toolboxes_would_misread_is_refused_with_the_reason(people, tmp_path):
    for column, value, says in (("camera", 34, "cameras up to 34"), ("identity", 1502, "people up to 1,502")):
        table = people.table.with_columns(pl.when(pl.col(column) == 2).then(value).otherwise(column).alias(column))
        with pytest.raises(CloserlookError, match=f"{says}.*--parts"):
            export(Dataset(people.root, table, "people"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_parts_hold_all_images_and_numbers_that_toolboxes_read(people, tmp_path, monkeypatch):
    monkeypatch.setattr(market1501, "MOST_PEOPLE", 3)
    ids = [70_001, 70_001, 5, 5, 6, 6, 7, 8, 9, JUNK, DISTRACTOR, 0]
    cameras = [34, 2, 3, 4, 5, 6, 7, 2, 2, 34, 3, 2]
    table = people.table.with_columns(identity=pl.Series(ids), camera=pl.Series(cameras))
    export(Dataset(people.root, table, "people", people.factors), tmp_path / "out", parts=True)
    found = [open_dataset(path) for path in sorted((tmp_path / "out").iterdir())]
    assert [path.root.name for path in found] == [f"part-{number}" for number in range(1, 6)]
    rows = pl.concat([part.table for part in found])
    assert sorted(rows.select("source_identity", "source_camera", "split").rows()) == sorted(
        table.select("identity", "camera", "split").rows()
    )
    for part in found:
        assert min(part.cameras) >= 1 and max(part.cameras) <= 6 and max(part.identities) <= 3
        again = open_dataset(f"market1501:{part.root}")
        assert sorted(again.identities) == sorted(part.identities)
        assert part.table["source_identity"].is_in([JUNK, DISTRACTOR]).eq(part.table["identity"] < 0).all()
    with pytest.raises(UsageError, match="--parts is for the format market1501"):
        export(people, tmp_path / "other", layout="coco", parts=True)


def test_a_table_has_its_images_beside_it(people, tmp_path):
    export(people, tmp_path / "table", layout="table")
    shutil.rmtree(people.root)
    again = open_dataset((tmp_path / "table").rename(tmp_path / "moved"))
    assert again.factors == people.factors
    assert again.table.equals(people.table)
    assert [read_image(path).tobytes() for path in again.paths] == [noise(seed).tobytes() for seed in SEEDS]


def test_an_import_takes_no_room(people, tmp_path):
    import_table(people, tmp_path / "in")
    again = open_dataset(tmp_path / "in")
    assert again.table.equals(people.table)
    assert all(a.samefile(b) for a, b in zip(again.paths, people.paths, strict=True))


def test_an_import_copies_where_links_cannot_be(people, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    import_table(people, tmp_path / "in")
    pairs = list(zip(open_dataset(tmp_path / "in").paths, people.paths, strict=True))
    assert all(a.read_bytes() == b.read_bytes() and not a.samefile(b) for a, b in pairs)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "finegpr"])
@pytest.mark.parametrize(
    "damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")], ids=["gone", "empty"]
)
def test_a_bad_image_is_one_message_and_nothing_is_written(people, tmp_path, layout, damage):
    damage(people.paths[5])
    with pytest.raises(CloserlookError, match=people.paths[5].name):
        export(people, tmp_path / "sub" / "out", layout=layout)
    assert [path.name for path in tmp_path.iterdir()] == ["people"]


ODD = ["test/a.png", "my train/b.png", ".hidden/c.png", "a\nb.png", "__x/e.png", "val.png", "ü x.png", "[1].png"]


@pytest.mark.parametrize("layout", ["table", "imagefolder", "coco", "parquet"])
@pytest.mark.parametrize("names", [ODD, [f"{name[:-4]}/same.png" for name in ODD]], ids=["odd", "same"])
def test_names_that_others_misread_are_not_kept(tmp_path, layout, names):
    for seed, name in enumerate(names):
        write(tmp_path / "in" / name, seed=seed)
    table = pl.DataFrame({"file_name": names, "identity": range(len(names))})
    export(Dataset.from_table(tmp_path / "in", table, "odd", ()), tmp_path / "out", layout=layout)
    written = [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png")]
    assert len(written) == (0 if layout == "parquet" else len(names))
    assert not any(
        word in name.removeprefix("train/") for name in written for word in ("test/", "train/", "/.", "\n", "__")
    )


@pytest.mark.parametrize(
    "values", [["1/../../../../x"] * 12, [1.5] * 12, [-1] * 12, [None] * 12, [1] * 11 + [None]], ids=str
)
@pytest.mark.parametrize("column", ["sequence", "frame", "box"])
def test_what_becomes_part_of_a_name_is_a_number(people, tmp_path, column, values):
    others = {name: pl.int_range(12) for name in ("sequence", "frame", "box")}
    table = people.table.with_columns(**others | {column: pl.Series(values, strict=False)})
    with pytest.raises(CloserlookError, match=f"column '{column}' becomes part of names"):
        export(Dataset(people.root, table, "people"), tmp_path / "sub" / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["people"]


def test_an_unknown_layout(people, tmp_path):
    with pytest.raises(UsageError, match="market1501"):
        export(people, tmp_path / "out", layout="market")
    with pytest.raises(UsageError, match="--license is said in a data set card"):
        export(people, tmp_path / "out", layout="coco", license="mit")
