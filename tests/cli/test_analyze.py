"""closerlook analyze on a user's own table."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.dataset import Dataset, open_dataset
from closerlook.errors import UsageError
from closerlook.gap import Gap
from closerlook.selection import select

pytestmark = pytest.mark.slow


LUX = 12.5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Images that are as bright as the column ``lux`` says, and a target of dark ones."""
    root, rng = tmp_path_factory.mktemp("lux"), np.random.default_rng(0)
    for name, count, brightest in (("source", 36, 18), ("target", 24, 5)):
        (root / name).mkdir()
        rows = []
        for number in range(count):
            lux = LUX * (number % brightest)
            pixels = (20 + lux + rng.normal(0, 12, (32, 16, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
            rows.append({"file_name": f"{number}.png", "identity": number % 9, "lux": lux + number / 100})
        table = pl.DataFrame(rows) if name == "source" else pl.DataFrame(rows).select("file_name")
        Dataset.from_table(root / name, table, name, ()).save()
    return root / "source", root / "target"


def test_a_column_of_numbers_becomes_an_attribute(folders: tuple[Path, Path], tmp_path: Path) -> None:
    source, target = folders
    arguments = [
        "analyze",
        str(source),
        str(target),
        "--size",
        "32x16",
        "--bin",
        "lux:3",
        "--out",
        str(tmp_path / "gap"),
        "--verbose",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "chosen" in result.output
    assert "unclear (5 %, Holm)" in result.output
    *_, finding, more, following = result.stdout.splitlines()
    assert finding.startswith("Of what makes one image nearer") and "--verbose" in more
    assert following == f"Next: closerlook select {tmp_path / 'gap'} --out plan.yaml"
    short = CliRunner().invoke(app, arguments[:-1]).stdout
    assert "Holm" in short and "chosen" not in short and len(short.splitlines()) == 5
    assert {path.name for path in (tmp_path / "gap" / "figures").glob("*.png")} == {
        *(f"{name}.png" for name in ("mmd2", "total_loss", "diversity", "mixture_weight", "importance")),
        "images_lux.png",
    }
    gap = Gap.load(tmp_path / "gap")
    table = gap.levels.filter(pl.col("factor") == "lux")
    assert table["images"].to_list() == [12, 12, 12]
    assert table["mmd2"].is_sorted()  # the darkest bin is the nearest to the dark target
    plan = select(gap, rule="top:1", all_levels=[])
    chosen = open_dataset(source).subset(plan)
    assert len(chosen) == 12
    assert chosen.table["lux"].max() < 6.2 * LUX


@pytest.mark.parametrize(
    ("asked", "says"), [("lux", "hour:4"), ("lux:many", "hour:4"), ("lux:1", "at least 2"), ("luxx:3", "luxx")]
)
def test_what_cannot_be_binned_is_named(folders: tuple[Path, Path], tmp_path: Path, asked: str, says: str) -> None:
    source, target = folders
    result = CliRunner().invoke(app, ["analyze", str(source), str(target), "--bin", asked, "--out", str(tmp_path)])
    assert isinstance(result.exception, UsageError)
    assert says in str(result.exception)
