import polars as pl
import pytest

from closerlook.attributes import Design
from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.study.tables import TABLES, row_part, table_rows


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
    shares = [len(row_part(row, gpr_plus)) / len(gpr_plus) for row in table_rows(name)]
    papers_boxes = [58_800, 235_200, 470_400, 134_400, 201_600, 235_200, 28_800]
    assert shares == pytest.approx([boxes / 470_400 for boxes in papers_boxes])


def test_rows_name_the_papers_levels(gpr_plus):
    part = row_part(table_rows("duke")[-1], gpr_plus)
    assert set(part.table["weather"]) == {"foggy", "blizzard"}
    assert set(part.table["viewpoint"]) == {60, 90, 120, 150, 180, 210}


def test_too_few_people_and_unknown_tables_are_refused(gpr_plus):
    with pytest.raises(UsageError, match="too few to train on"):
        row_part(TABLES["market"][0], gpr_plus.filter(pl.col("identity") <= 4))
    with pytest.raises(UsageError, match="Did you mean 'market'"):
        table_rows("markt")
