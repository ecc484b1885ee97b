"""The contact sheet from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.errors import CloserlookError
from closerlook.synthesis.generation.contact import CAPTION, CELL, WALL, _wrapped, describe


def draw(*arguments: object) -> None:
    result = CliRunner().invoke(app, ["people", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0


def test_draws_people_from_several_sides(tmp_path: Path) -> None:
    draw("--count", 3, "--views", 2, "--seed", 3, "--out", tmp_path / "a.png")
    draw("--count", 3, "--views", 2, "--seed", 3, "--no-captions", "--out", tmp_path / "b.png")
    with_captions, without = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    assert with_captions.shape[0] % (CELL[0] + CAPTION) == 0 and without.shape[0] % CELL[0] == 0
    assert with_captions.shape[1] % (2 * CELL[1]) == 0
    for column in range(2):
        cell = without[: CELL[0], column * CELL[1] : (column + 1) * CELL[1]].astype(int)
        person = np.abs(cell[: int(0.8 * CELL[0])] - WALL).max(2) > 40
        assert 0.03 < person.mean() < 0.5


def test_captions_are_broken_between_words_not_cut() -> None:
    text = "black, side part, glasses, surgical, backpack, bicycle"
    lines = _wrapped(text, lambda line: len(line) <= 20)
    assert len(lines) > 1 and " ".join(lines) == text
    assert all(len(line) <= 20 for line in lines)
    assert _wrapped("", lambda line: True) == []
    assert _wrapped("unbreakable", lambda line: False) == ["unbreakable"]


def test_the_same_people_wherever_one_starts(tmp_path: Path) -> None:
    draw("--count", 2, "--first", 4, "--no-captions", "--out", tmp_path / "a.png")
    draw("--count", 1, "--first", 5, "--no-captions", "--out", tmp_path / "b.png")
    both, one = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    np.testing.assert_array_equal(both[-CELL[0] :, -CELL[1] :], one)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--count", "0", "--out", "a.png"], "--count must be"),
        (["--views", "13", "--out", "a.png"], "--views 1 to 12"),
        (["--out", "a.txt"], "must end in"),
        (["--population", "none.yaml", "--out", "a.png"], "none.yaml"),
        (["--wardrobe", "none", "--out", "a.png"], "none"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, arguments: list[str], says: str) -> None:
    with pytest.raises(CloserlookError, match=says):
        CliRunner().invoke(app, ["people", *arguments], catch_exceptions=False)


def test_a_description_leaves_out_what_there_is_not() -> None:
    labels = {"gender": "female", "age_group": "adult", "upper_color": "red", "upper_type": "t_shirt"}
    labels |= {"lower_color": "blue", "lower_type": "long_skirt", "hair_color": "black", "hair_style": "bob"}
    labels |= {"hat": "none", "bag": "tote"}
    lines = describe(7, labels)
    assert lines == ("7  female, adult", "red t shirt, blue long skirt", "black, bob, tote")
