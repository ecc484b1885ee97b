"""What closerlook writes, Hugging Face's datasets reads whole, offline."""

import numpy as np
import polars as pl
import pytest
import yaml

import datasets
from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.export import export, import_table
from closerlook.dataset.exports import parquet
from closerlook.errors import CloserlookError
from dataset.drawing import write
from datasets import load_dataset


def load(kind, folder, tmp_path):
    arguments = [kind] if kind else [str(folder)]
    folders = {"data_dir": str(folder)} if kind else {}
    return load_dataset(*arguments, **folders, cache_dir=str(tmp_path / "hf"))


def same_rows(rows, data):
    """Labels and pixels, in any order."""
    columns = [name for name in data.table.columns if name not in ("file_name", "noise", "keypoints", "unknown")]
    expected = {
        read_image(path).tobytes(): tuple(row[name] for name in columns)
        for path, row in zip(data.paths, data.table.to_dicts(), strict=True)
    }
    found = {np.asarray(row["image"].convert("RGB")).tobytes(): tuple(row[name] for name in columns) for row in rows}
    assert len(rows) == len(data)
    assert set(found.values()) == set(expected.values())
    return found, expected


@pytest.mark.parametrize("layout", ["table", "imagefolder", "finegpr"])
def test_imagefolder_reads_exports_whole(rendered, tmp_path, layout):
    data = rendered.filter(pl.col("split") == "train") if layout == "finegpr" else rendered
    export(data, tmp_path / "out", layout=layout)
    loaded = load("imagefolder", tmp_path / "out", tmp_path)
    assert set(loaded) == ({"train", "test"} if layout == "imagefolder" else {"train"})
    rows = [row for split in loaded.values() for row in split]
    found, expected = same_rows(rows, data)
    if layout != "finegpr":
        assert {pixels: labels for pixels, labels in found.items() if pixels in expected} == {
            pixels: labels for pixels, labels in expected.items() if pixels in found
        }
    if layout == "imagefolder":
        assert set(loaded["test"]["split"]) == {"query", "gallery"} and set(loaded["train"]["split"]) == {"train"}


def test_imagefolder_reads_an_import_whole(tmp_path):
    for number, folder in enumerate(("bounding_box_train", "query", "bounding_box_test")):
        for camera in (1, 2):
            write(tmp_path / "market" / folder / f"0001_c{camera}s1_00000{number}_00.jpg", seed=number + 3 * camera)
    data = open_dataset(f"market1501:{tmp_path / 'market'}")
    import_table(data, tmp_path / "in")
    loaded = load("imagefolder", tmp_path / "in", tmp_path)
    assert sorted(zip(loaded["train"]["split"], loaded["train"]["camera"], strict=True)) == sorted(
        zip(data.table["split"], data.table["camera"], strict=True)
    )
    assert {row["image"].size for row in loaded["train"]} == {(8, 16)}


def test_closerlook_reads_its_imagefolder_again(rendered, tmp_path):
    export(rendered, tmp_path / "out", layout="imagefolder")
    again = open_dataset(tmp_path / "out")
    assert again.factors == rendered.factors
    columns = [name for name in rendered.table.columns if name != "file_name"]
    key = ["identity", "viewpoint"]
    assert again.table.select(columns).sort(key).equals(rendered.table.select(columns).sort(key), null_equal=True)
    assert all(path.is_file() for path in again.paths)


@pytest.mark.parametrize("kind", ["parquet", ""])
def test_parquet_is_read_with_images_and_splits(rendered, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(parquet, "SHARD_BYTES", 1)
    monkeypatch.setattr(parquet, "ROW_GROUP", 1)
    export(rendered, tmp_path / "out", layout="parquet", license="cc-by-4.0")
    assert len(list((tmp_path / "out" / "data").iterdir())) == 6
    loaded = load(kind, tmp_path / "out", tmp_path)
    assert {name: len(split) for name, split in loaded.items()} == {"train": 2, "query": 2, "gallery": 2}
    for name, split in loaded.items():
        assert isinstance(split.features["image"], datasets.Image)
        data = rendered.split(name)
        assert split["identity"] == data.table["identity"].to_list()
        assert split["weather"] == data.table["weather"].to_list()
        assert split["umbrella"] == data.table["umbrella"].to_list()
        assert split["unknown"] == [None, None]
        np.testing.assert_array_equal(split["keypoints"], data.table["keypoints"].to_list())
        raw = split.cast_column("image", datasets.Image(decode=False))
        assert [row["bytes"] for row in raw["image"]] == [path.read_bytes() for path in data.paths]


def test_the_card_says_what_license_columns_and_limits(rendered, tmp_path):
    (rendered.root / "render.yaml").write_text("{}")
    export(rendered, tmp_path / "out", layout="parquet", license="cc-by-4.0")
    text = (tmp_path / "out" / "README.md").read_text()
    head = yaml.safe_load(text.split("---")[1])
    assert head["license"] == "cc-by-4.0"
    assert [file["split"] for file in head["configs"][0]["data_files"]] == ["train", "query", "gallery"]
    for heading in ("What", "How made", "License", "Columns", "Limits"):
        assert f"\n## {heading}\n" in text
    assert "the people are nobody's" in text and "train 2" in text
    for column in rendered.table.columns:
        name = "image" if column == "file_name" else column.replace("_", "\\_")
        assert f"| {name} |" in text


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (pl.lit(1).alias("image"), "column 'image'"),
        (pl.lit(1).cast(pl.Duration).alias("long"), "column 'long' holds duration"),
        (pl.struct("identity").alias("both"), "column 'both' holds struct"),
    ],
)
def test_a_column_that_parquet_or_the_hub_has_not_is_named(rendered, tmp_path, column, says):
    data = Dataset(rendered.root, rendered.table.with_columns(column), "rendered")
    with pytest.raises(CloserlookError, match=says):
        export(data, tmp_path / "out", layout="parquet")
    assert not (tmp_path / "out").exists()
