import numpy as np
import polars as pl
import pytest

from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.dataset import DISTRACTOR, JUNK
from closerlook.dataset.decoding import read_image
from closerlook.dataset.export import export
from closerlook.errors import CloserlookError, UsageError

from .drawing import write

LABELS = ["identity", "camera", "split"]


def test_market_layout_round_trips_through_its_importer(people, tmp_path):
    out = export(people, tmp_path / "out")
    again = open_dataset(f"market1501:{tmp_path / 'out'}")
    assert again.table.sort("file_name").select(*LABELS).equals(out.table.sort("file_name").select(*LABELS))
    assert sorted(again.table.select(*LABELS).rows()) == sorted(people.table.select(*LABELS).rows())
    for before, after in zip(people.paths, out.paths, strict=True):
        difference = np.abs(read_image(before).astype(int) - read_image(after).astype(int))
        assert difference.mean() < 4  # PNG noise encoded as JPEG of quality 95


def test_the_exported_folder_keeps_attributes_and_factors(people, tmp_path):
    export(people, tmp_path / "out")
    again = open_dataset(tmp_path / "out") if not (tmp_path / "out" / "metadata.parquet").exists() else None
    assert again is None
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
    out = export(data, tmp_path / "out")
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


def test_the_table_alone_points_at_the_images(people, tmp_path):
    export(people, tmp_path / "table", layout="table")
    with pytest.raises(CloserlookError, match="open it as manifest:"):
        open_dataset(tmp_path / "table")
    again = open_dataset(f"manifest:{tmp_path / 'table' / 'metadata.parquet'}")
    assert again.factors == people.factors
    assert np.array_equal(read_image(again.paths[3]), read_image(people.paths[3]))
    assert again.table.drop("file_name").equals(people.table.drop("file_name"))


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
