from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.errors import CloserlookError, UsageError
from closerlook.synthesis import generate
from closerlook.synthesis.generation.annotating import BOX, HIDDEN, KINDS, SEEN, annotate, draw_over
from closerlook.synthesis.generation.annotations import PARTS


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    levels: dict[str, list[Any]] = {"viewpoint": [90, 180], "weather": ["sunny", "foggy"], "illumination": ["noon"]}
    out = tmp_path_factory.mktemp("rendered") / "data"
    return generate(out=out, identities=1, levels=levels, size=(64, 32), sensor="clean", workers=1)


def read(root, kind, file_name):
    path = root / kind / file_name.removeprefix("images/").replace(".jpg", ".png")
    return np.asarray(Image.open(path))


def test_every_kind_is_written_for_every_image(rendered):
    root = annotate(rendered, tuple(KINDS), workers=1)
    for row in rendered.table.iter_rows(named=True):
        mask, parts, depth = (read(root, kind, row["file_name"]) for kind in ("mask", "parts", "depth"))
        assert mask.shape == parts.shape == depth.shape == (64, 32)
        assert read(root, "normals", row["file_name"]).shape == (64, 32, 3)
        rows, columns = np.nonzero(mask > 128)  # 128 is half covered, and a box holds what is more than that
        found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        box = tuple(row[f"box_{side}"] for side in ("left", "top", "right", "bottom"))
        assert found == pytest.approx(box, abs=1)  # drawn again, it is the same view
        assert 0 < parts.max() < len(PARTS) and not parts[mask == 0].any()
        distance = 1000 * float(np.reshape(row["camera_matrix"], (3, 4))[2] @ [0.0, 0.85, 0.0, 1.0])  # along its axis
        assert np.median(depth[mask == 255]) == pytest.approx(distance, rel=0.1)


def test_a_subset_is_annotated_alone(rendered, tmp_path):
    some = rendered.where(viewpoint=[90])
    root = annotate(some, ["mask"], out=tmp_path / "masks", workers=1)
    assert len(list(root.rglob("*.png"))) == len(some) == 2


@pytest.mark.parametrize("count", [0, -1, 97, 10**30])
def test_a_sheet_has_some_images_and_not_too_many(rendered, tmp_path, count):
    with pytest.raises(UsageError, match="--count must be 1 to 96"):
        draw_over(rendered, tmp_path / "check.png", count=count)
    with pytest.raises(UsageError, match="--workers must be at least 1"):
        annotate(rendered, workers=0)


def test_an_unknown_kind_is_a_usage_error(rendered):
    with pytest.raises(UsageError, match="Did you mean 'parts'"):
        annotate(rendered, ["part"])


def test_a_folder_of_other_images_says_so(tmp_path):
    table = pl.DataFrame({"file_name": ["a.jpg"], "identity": [1], "camera": [1], "split": ["train"]})
    table.write_parquet(tmp_path / "metadata.parquet")
    with pytest.raises(CloserlookError, match="not rendered by closerlook"):
        annotate(tmp_path)


def test_the_sheet_shows_points_and_parts(rendered, tmp_path):
    draw_over(rendered, tmp_path / "check.png", count=3, scale=2)
    sheet = np.asarray(Image.open(tmp_path / "check.png")).astype(int)
    assert sheet.shape[0] > 128 and sheet.shape[1] == 3 * 64
    legend, sheet = sheet[128:], sheet[:128]
    for color in (SEEN, HIDDEN, BOX):
        assert (legend == color).all(axis=2).sum() == 12 * 12  # a swatch each
    green = (sheet[..., 1] > 230) & (sheet[..., 0] < 120) & (sheet[..., 2] < 120)
    assert green.sum() > 20  # key points that are seen


def test_the_verb_writes_and_draws(rendered, tmp_path):
    sheet = tmp_path / "check.jpg"
    run = CliRunner().invoke(app, ["annotate", str(rendered.root), "--draw", str(sheet), "--count", "1"])
    assert run.exit_code == 0 and Image.open(sheet).size[1] > 256
