from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.dataset.images import resize
from closerlook.errors import UsageError
from closerlook.gap import inversion_strip, invert


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return resize(load_sample_image("flower.jpg"), (48, 32))


@pytest.mark.parametrize("term", ["content", "style"])
def test_features_come_to_match_and_only_content_keeps_where_things_are(picture: np.ndarray, term: str) -> None:
    found, left = invert(picture, "block0", term=term, backbone="lite0", steps=20)
    _, start = invert(picture, "block0", term=term, backbone="lite0", steps=1)
    assert found.shape == picture.shape
    assert left < 0.2 * start
    alike = np.corrcoef(found.ravel(), picture.ravel())[0, 1]
    assert alike > 0.6 if term == "content" else abs(alike) < 0.3


def test_a_strip_has_a_row_an_image_and_a_column_a_layer(picture: np.ndarray) -> None:
    strip = inversion_strip([picture, picture[::-1]], ["stem", "block0"], backbone="lite0", size=(48, 32), steps=2)
    assert strip.shape == (16 + 2 * 52, 3 * 36 - 4, 3)
    np.testing.assert_array_equal(strip[16:64, :32], picture)


def test_on_the_command_line(picture: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(picture).save(tmp_path / "a.png")
    arguments = ["invert", str(tmp_path / "a.png"), "--backbone", "lite0", "--size", "48x32", "--steps", "1"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out.png")])
    assert result.exit_code == 0, result.output
    assert Image.open(tmp_path / "out.png").size == (68, 68)


def test_trouble_is_explained(picture: np.ndarray) -> None:
    with pytest.raises(UsageError, match="color"):
        invert(picture, "block2", term="color", backbone="lite0")
    with pytest.raises(UsageError, match="layer of lite0"):
        invert(picture, "conv4_2", backbone="lite0")
