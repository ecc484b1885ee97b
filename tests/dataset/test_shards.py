"""Images inside Parquet files: written by us or by others, read by every stage as if each were a file."""

import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.dataset import Dataset, concatenate, import_dataset, open_dataset
from closerlook.dataset.audit import audit
from closerlook.dataset.decoding import read_bytes, read_image, read_size
from closerlook.dataset.export import export
from closerlook.dataset.fingerprint import fingerprint
from closerlook.dataset.images import image_array
from closerlook.dataset.shards import has_images, labels, names_in, write_shard
from closerlook.errors import CloserlookError

from .drawing import write


@pytest.fixture
def sharded(people):
    """The people of the other tests in two shards, beside them a copy of their table that names them there."""
    root = people.root.with_name("sharded")
    (root / "data").mkdir(parents=True)
    names, rows = [], people.table.with_row_index("row")
    for number, part in enumerate((rows.head(7), rows.tail(5))):
        plain = part.drop("row")
        write_shard(root / "data" / f"{number}.parquet", plain, [people.paths[row].read_bytes() for row in part["row"]])
        names += [f"data/{number}.parquet/{name.rpartition('/')[2]}" for name in plain["file_name"]]
    table = people.table.with_columns(file_name=pl.Series(names))
    data = Dataset.from_table(root, table, "sharded", people.factors)
    data.save()
    return data


def test_every_image_is_the_one_that_was_written(people, sharded):
    again = open_dataset(sharded.root)
    assert again.table.equals(sharded.table)
    for one, other in zip(again.paths, people.paths, strict=True):
        assert read_bytes(one) == other.read_bytes()
        assert np.array_equal(read_image(one), read_image(other))
        assert read_size(one) == (16, 8)


def test_stages_see_no_difference(people, sharded, tmp_path):
    assert np.array_equal(image_array(sharded, (16, 8)), image_array(people, (16, 8)))
    assert audit(sharded).problems == audit(people).problems == ()
    assert len(fingerprint(sharded)["images"]) == len(fingerprint(people)["images"])
    export(sharded, tmp_path / "market")
    assert [path.is_file() for path in open_dataset(f"market1501:{tmp_path / 'market'}").paths] == [True] * 12
    import_dataset(str(sharded.root), str(people.root), out=tmp_path / "all")
    both = open_dataset(tmp_path / "all")
    assert np.array_equal(image_array(both, (16, 8)), image_array(concatenate(sharded, people), (16, 8)))


def test_a_changed_shard_is_read_anew(sharded):
    before, key = read_bytes(sharded.paths[0]), fingerprint(sharded)
    shard = sharded.paths[0].parent
    images = [read_bytes(path) for path in sharded.paths[:7]]
    write_shard(shard, labels(shard), images[::-1])
    assert read_bytes(sharded.paths[0]) == images[-1] != before
    assert fingerprint(sharded) != key


def test_shards_alone_are_a_data_set(sharded):
    (sharded.root / "metadata.parquet").unlink()
    (sharded.root / "design.yaml").unlink()
    data = open_dataset(sharded.root)
    assert data.table.select(sharded.table.columns).equals(sharded.table)
    assert data.factors == sharded.factors


def test_shards_of_hugging_face_are_read(people, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    parts: dict[str, Dataset] = {"train": people.train, "test": people.gallery}
    for split, part in parts.items():
        images = [{"bytes": path.read_bytes(), "path": path.name} for path in part.paths]
        columns = {"image": images, "identity": part.identities.tolist()}
        made = datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())
        (tmp_path / "hub" / "data").mkdir(parents=True, exist_ok=True)
        made.to_parquet(tmp_path / "hub" / "data" / f"{split}-00000-of-00001.parquet")
    data = open_dataset(tmp_path / "hub")
    assert data.table["split"].to_list() == ["gallery"] * 4 + ["train"] * 4
    paths = [*people.gallery.paths, *people.train.paths]
    assert [path.name for path in data.paths] == [path.name for path in paths]
    assert [read_bytes(path) for path in data.paths] == [path.read_bytes() for path in paths]


def test_names_that_are_missing_or_repeated_are_row_numbers(tmp_path):
    image = write(tmp_path / "a.png").read_bytes()
    cases: list[list[str | None]] = [["x/a.png", "y/a.png"], [None, "a.png"]]
    for number, paths in enumerate(cases):
        table = pl.DataFrame({"image": [{"bytes": image, "path": path} for path in paths], "identity": [1, 2]})
        table.write_parquet(tmp_path / f"{number}.parquet")
        assert names_in(tmp_path / f"{number}.parquet") == ["0", "1"]
    (tmp_path / "a.png").unlink()
    assert len(image_array(open_dataset(tmp_path), (16, 8))) == 4


def test_a_table_without_images_is_no_shard(tmp_path):
    for name, table in (
        ("a", pl.DataFrame({"x": [1]})),
        ("b", pl.DataFrame({"image": ["a.png"]})),
        ("c", pl.DataFrame({"image": [{"path": "a.png"}]})),
    ):
        table.write_parquet(tmp_path / f"{name}.parquet")
        assert not has_images(tmp_path / f"{name}.parquet")
    with pytest.raises(CloserlookError, match=r"no images in .*Parquet files"):
        open_dataset(tmp_path)


def test_what_is_not_in_a_shard_is_told(sharded, tmp_path):
    shard = sharded.paths[0].parent
    with pytest.raises(CloserlookError, match=r"no image .*0\.parquet/gone\.png: .* has none of that name"):
        read_image(shard / "gone.png")
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(CloserlookError, match=r"There is no image .*file\.txt/a\.png"):
        read_image(tmp_path / "file.txt" / "a.png")
    table = sharded.table.with_columns(pl.col("file_name").str.replace("_1", "_9"))
    table.select("file_name").write_csv(sharded.root / "people.csv")
    with pytest.raises(CloserlookError, match="files do not exist"):
        open_dataset(f"manifest:{sharded.root / 'people.csv'}")


@pytest.mark.parametrize(("content", "says"), [(b"", "is empty"), (None, "is not in its shard")])
def test_an_image_without_bytes_is_named(tmp_path, content, says):
    image = pl.DataFrame({"bytes": pl.Series([content], dtype=pl.Binary), "path": ["a.png"]}).to_struct("image")
    table = image.to_frame()
    table.write_parquet(tmp_path / "x.parquet")
    with pytest.raises(CloserlookError, match=rf"x\.parquet/a\.png {says}"):
        read_image(open_dataset(tmp_path).paths[0])


@given(st.binary(max_size=200), st.floats(0, 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_no_damage_of_a_shard_ends_in_anything_but_images_or_our_error(tmp_path_factory, noise, place, cut):
    folder = tmp_path_factory.mktemp("shard")
    write_shard(folder / "x.parquet", pl.DataFrame({"file_name": ["a.png", "b.png"]}), [b"one" * 50, b"two" * 50])
    data = bytearray((folder / "x.parquet").read_bytes())
    start = int(place * len(data))
    data[start : len(data) if cut else start + len(noise)] = noise
    (folder / "x.parquet").write_bytes(data)
    try:
        for path in open_dataset(folder).paths:
            read_bytes(path)
    except CloserlookError as error:
        assert "x.parquet" in str(error) or "no images" in str(error)


def test_writing_twice_gives_the_same_bytes(tmp_path):
    written = []
    for name in ("a", "b"):
        write_shard(tmp_path / f"{name}.parquet", pl.DataFrame({"file_name": ["x.jpg"], "k": [[1.0]]}), [b"x" * 99])
        written.append((tmp_path / f"{name}.parquet").read_bytes())
    assert written[0] == written[1]
    assert pl.read_parquet(io.BytesIO(written[0]))["image"].to_list() == [{"bytes": b"x" * 99, "path": "x.jpg"}]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"identity": pl.lit(1.5)}, "column 'identity' must hold whole numbers or names"),
        ({"camera": pl.lit([1])}, "column 'camera' must hold whole numbers or names"),
        ({"split": pl.lit("holdout")}, "'holdout' is no split"),
        ({"weather": pl.lit([1])}, r"column 'weather' holds list\(int64\), and in .*0\.parquet string"),
    ],
)
def test_a_wrong_column_is_told_by_its_shard(sharded, change, says):
    (sharded.root / "metadata.parquet").unlink()
    damaged = sharded.root / "data" / "1.parquet"
    pl.read_parquet(damaged).with_columns(**change).write_parquet(damaged)
    with pytest.raises(CloserlookError, match=rf"1\.parquet: {says}"):
        open_dataset(sharded.root)


@pytest.mark.parametrize("name", ["a.png/b.png", "a.png/b/c.png", "gone.parquet/a.png", "gone.png"])
def test_a_fingerprint_says_which_image_is_missing(tmp_path, name):
    write(tmp_path / "a.png")
    data = Dataset.from_table(tmp_path, pl.DataFrame({"file_name": [name]}), "data")
    with pytest.raises(CloserlookError, match=f"There is no image {tmp_path / name}"):
        fingerprint(data)
