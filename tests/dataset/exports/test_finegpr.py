import polars as pl
import pytest

from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.export import export
from closerlook.errors import CloserlookError


@pytest.fixture
def source(rendered):
    return Dataset(rendered.root, rendered.table.with_columns(split=pl.lit("train")), "rendered", rendered.factors)


def test_it_comes_back_through_the_reader_of_finegpr(source, tmp_path):
    export(source, tmp_path / "out", layout="finegpr")
    assert (tmp_path / "out/0001/0001_c01_w01_l04_p02.jpg").is_file()
    again = open_dataset(f"finegpr:{tmp_path / 'out'}")
    columns = ["identity", "viewpoint", "weather", "illumination"]
    assert sorted(again.table.select(columns).rows()) == sorted(source.table.select(columns).rows())
    own = open_dataset(tmp_path / "out")
    assert own.factors == source.factors
    assert own.table["keypoints"].to_list() == source.table["keypoints"].to_list()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (pl.lit(95).alias("viewpoint"), "have a viewpoint that .* first 95 of"),
        (pl.lit("rain").alias("weather"), "first 'rain'"),
        (pl.lit("soon").alias("illumination"), "first 'soon'"),
        (pl.lit(10_000).alias("identity"), "first 10000"),
        (pl.lit(None, pl.Int64).alias("identity"), "first None"),
        (pl.lit("query").alias("split"), "has a query or gallery"),
        (pl.lit(90).alias("viewpoint"), "would share a name"),
    ],
)
def test_what_the_layout_has_no_name_for_is_refused(source, tmp_path, change, says):
    table = source.table.with_columns(change)
    if "share" in says:
        table = table.with_columns(pl.lit("sunny").alias("weather"))
    with pytest.raises(CloserlookError, match=says):
        export(Dataset(source.root, table, "r"), tmp_path / "out", layout="finegpr")
    assert not (tmp_path / "out").exists()


def test_a_column_that_is_missing_is_named(people, tmp_path):
    with pytest.raises(CloserlookError, match="no column 'viewpoint'"):
        export(people, tmp_path / "out", layout="finegpr")
