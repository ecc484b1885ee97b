from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from closerlook.attributes import Design
from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.study.tables import TABLES, row_plan, table_rows


@pytest.fixture(scope="module")
def gpr_plus(tmp_path_factory):
    """The table of GPR+ with 16 people; no stage of this needs the images."""
    design = Design.load("gpr-plus").subset(16)
    cells = pl.DataFrame(list(design.cells()), schema=[factor.name for factor in design.factors], orient="row")
    table = cells.join(pl.DataFrame({"identity": range(1, 17)}), how="cross").with_row_index("n")
    table = table.with_columns(pl.format("{}.jpg", "n").alias("file_name")).drop("n")
    return Dataset.from_table(tmp_path_factory.mktemp("gpr"), table, "gpr-plus", design.factors)


@pytest.mark.parametrize("name", ["market", "duke"])
def test_rows_keep_the_papers_shares_of_the_images(gpr_plus, name):
    shares = [len(gpr_plus.subset(row_plan(row, gpr_plus))) / len(gpr_plus) for row in table_rows(name)]
    papers_boxes = [58_800, 235_200, 470_400, 134_400, 201_600, 235_200, 28_800]
    assert shares == pytest.approx([boxes / 470_400 for boxes in papers_boxes])


def test_rows_name_the_papers_levels(gpr_plus):
    part = gpr_plus.subset(row_plan(table_rows("duke")[-1], gpr_plus))
    assert set(part.table["weather"]) == {"foggy", "blizzard"}
    assert set(part.table["viewpoint"]) == {60, 90, 120, 150, 180, 210}


def test_a_table_of_ones_own_has_the_levels_that_the_papers_rule_keeps(gpr_plus):
    heights = {"viewpoint": range(12), "weather": [5, 1, 5, 5, 5, 5, 2], "illumination": [3] * 7}
    rows = [(name, str(level)) for name in heights for level in gpr_plus.factor(name).levels]
    fits = [float(value) for own in heights.values() for value in own]
    estimates = pl.DataFrame(rows, schema=["factor", "level"], orient="row").with_columns(mmd2=pl.Series(fits))
    gap: Any = SimpleNamespace(factors=gpr_plus.factors, estimates=estimates)
    found = {row.name: row for row in table_rows("own", gap)}
    assert list(found) == ["eighth-of-people", "half-of-people", "all", "viewpoint", "weather", "together"]
    assert found["weather"].levels == {"weather": ("clouds", "snowlight")}
    assert found["together"].levels == {"viewpoint": (0, 30, 60, 90, 120, 150), "weather": ("clouds", "snowlight")}
    assert all(row.paper is None for row in found.values())
    assert row_plan(found["together"], gpr_plus).images == 16 * 6 * 2 * 7
    with pytest.raises(UsageError, match="needs --gap"):
        table_rows("own")


def test_too_few_people_and_unknown_tables_are_refused(gpr_plus):
    with pytest.raises(UsageError, match="too few to train on"):
        row_plan(TABLES["market"][0], gpr_plus.filter(pl.col("identity") <= 4))
    with pytest.raises(UsageError, match="Did you mean 'market'"):
        table_rows("markt")
