"""Images on their way out: whole ones as they are, cut-off ones refused, and names that say what they are."""

import json
import os
import tarfile
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from closerlook.dataset import Dataset, import_dataset, open_dataset
from closerlook.dataset.decoding import is_whole, read_whole
from closerlook.dataset.export import LAYOUTS, export
from closerlook.dataset.exports.coco import plain_value
from closerlook.dataset.exports.copying import portable_names
from closerlook.dataset.shards import write_shard
from closerlook.errors import CloserlookError
from dataset.drawing import write


def cut(data):
    return data[: len(data) // 2]


DAMAGES = {"cut off": cut, "no image": lambda data: b"hello", "empty": lambda data: b""}


@pytest.mark.parametrize("layout", [*LAYOUTS, "import"])
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("number", [0, 5])  # a JPEG and a PNG file
def test_a_damaged_image_is_named_and_nothing_is_written(rendered, tmp_path, layout, damage, number):
    table = rendered.table.with_columns(split=pl.lit("train"), camera=pl.lit(1))
    data = Dataset.from_table(rendered.root, table, "data", rendered.factors)
    path = rendered.paths[number]
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(CloserlookError, match=path.name) as told:
        if layout == "import":
            import_dataset(str(rendered.root), out=tmp_path / "out")
        else:
            export(data, tmp_path / "out", layout=layout)
    assert "closerlook-draft" not in str(told.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_whole_images_are_known_by_their_ends(tmp_path, suffix, options):
    path = write(tmp_path / f"a.{suffix}", **(options if suffix == "jpg" else {}))
    assert is_whole(path) and read_whole(path) == path.read_bytes()
    path.write_bytes(path.read_bytes() + b"what a camera adds")
    assert not is_whole(path)  # by its end, so it is decoded
    assert read_whole(path) == path.read_bytes()
    path.write_bytes(cut(path.read_bytes()[: -len(b"what a camera adds")]))
    with pytest.raises(CloserlookError, match="cannot be decoded"):
        read_whole(path)


@pytest.mark.parametrize("suffix", ["bmp", "webp", "tif"])
def test_images_of_other_kinds_are_decoded_to_be_sure(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}")
    assert not is_whole(path) and read_whole(path) == path.read_bytes()
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(CloserlookError, match=f"a.{suffix} cannot be decoded"):
        read_whole(path)


def test_what_is_no_file_is_not_whole(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not any(is_whole(tmp_path / name) for name in ("", "pipe", "nothing"))


def test_images_without_names_get_one_with_an_ending(tmp_path):
    images = [write(tmp_path / f"a.{suffix}").read_bytes() for suffix in ("jpg", "png", "webp", "bmp", "tif")]
    table = pl.DataFrame({"file_name": ["x"] * 5, "identity": range(5)})
    (tmp_path / "hub").mkdir()
    write_shard(tmp_path / "hub" / "train.parquet", table, images)
    data = open_dataset(tmp_path / "hub")
    assert [name.rpartition("/")[2] for name in portable_names(data)] == ["0.jpg", "1.png", "2.webp", "3.bmp", "4.tif"]
    export(data, tmp_path / "wds", layout="webdataset")
    with tarfile.open(tmp_path / "wds" / "train-000000.tar") as tar:
        assert [name.rpartition(".")[2] for name in tar.getnames()[::2]] == ["jpg", "png", "webp", "bmp", "tif"]


def test_whatever_a_table_holds_is_json(tmp_path):
    for value in (timedelta(1), Decimal("1.5"), b"x", {"a": [float("nan"), {"b": timedelta(1)}]}, [None, True, 1]):
        assert json.loads(json.dumps(plain_value(value), allow_nan=False)) == plain_value(value)
    assert plain_value({"a": [float("inf"), 1, "x", None, False]}) == {"a": [None, 1, "x", None, False]}
    data = Dataset.from_table(tmp_path, pl.DataFrame({"file_name": ["a.jpg"], "t": [timedelta(1)]}), "data")
    write(tmp_path / "a.jpg")
    for layout in ("coco", "webdataset"):
        export(data, tmp_path / layout, layout=layout)


@pytest.mark.parametrize("parts", [False, True])
def test_folders_that_toolboxes_need_images_in_are_named(rendered, tmp_path, parts, capsys):
    few = rendered.filter(pl.col("camera") == 1)
    export(few, tmp_path / "all", parts=parts)
    assert "torchreid" not in capsys.readouterr().err
    export(few.filter(pl.col("split") == "train"), tmp_path / "out", parts=parts)
    told = " ".join(capsys.readouterr().err.split())
    assert "no images for query and bounding_box_test" in told
