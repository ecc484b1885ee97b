"""Blur from enlarging one side is said, with the size that avoids it."""

from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from closerlook.dataset import Dataset
from closerlook.gap.enlargement import unequal_blur


def images(root: Path, height: int, width: int, name: str) -> Dataset:
    root.mkdir()
    names = [f"{number}.png" for number in range(3)]
    for file in names:
        Image.new("RGB", (width, height)).save(root / file)
    return Dataset.from_table(root, pl.DataFrame({"file_name": names}), name, ())


def test_a_side_that_is_enlarged_more_is_named_with_a_better_size(tmp_path: Path) -> None:
    large, small = images(tmp_path / "a", 64, 32, "rendered"), images(tmp_path / "b", 16, 8, "real")
    (note,) = unequal_blur(large, small, (64, 32))
    assert "real are enlarged 4.0 times" in note
    assert "--size 16x8" in note
    (other,) = unequal_blur(small, large, (32, 16))
    assert "real are enlarged 2.0 times" in other


@pytest.mark.parametrize("size", [(16, 8), (8, 4)])
def test_nothing_is_said_where_neither_is_enlarged(tmp_path: Path, size: tuple[int, int]) -> None:
    large, small = images(tmp_path / "a", 64, 32, "rendered"), images(tmp_path / "b", 16, 8, "real")
    assert unequal_blur(large, small, size) == ()


def test_nothing_is_said_where_both_are_enlarged_alike_or_cannot_be_read(tmp_path: Path) -> None:
    one, other = images(tmp_path / "a", 16, 8, "rendered"), images(tmp_path / "b", 17, 8, "real")
    assert unequal_blur(one, other, (64, 32)) == ()
    for path in (*one.paths, *other.paths):
        path.write_bytes(b"nothing")
    assert unequal_blur(one, other, (64, 32)) == ()
