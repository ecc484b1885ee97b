import ast
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

import closerlook
from closerlook.errors import CloserlookError
from closerlook.storage.tables import Kind, read_parquet, write_csv, write_parquet

TABLE = pl.DataFrame({"file_name": ["a", "b"], "cell": [0, 1], "loss": [0.5, 1.0]})
ODD = ["x[1]", "a*b", "{a}", "what?", "two words", "Zürich 東京", "-out", "~", "a=b", "%s", "$HOME", "[/bold]"]


@pytest.mark.parametrize("name", ODD)
def test_paths_are_taken_as_they_are(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for path in (Path(name) / "t.parquet", tmp_path / name / f"{name.strip('/[]')}.parquet"):
        write_parquet(TABLE, path)
        assert path.is_file()
        assert read_parquet(path, remedy="again").equals(TABLE)
    write_csv(TABLE, Path(name) / "t.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == [Path(name).parts[0]]


def test_a_pattern_takes_no_neighbor_for_the_file(tmp_path):
    write_parquet(TABLE, tmp_path / "x1.parquet")
    with pytest.raises(CloserlookError, match="There is no table"):
        read_parquet(tmp_path / "x[1].parquet", remedy="again")


COLUMNS: dict[str, Kind] = {"file_name": "text", "cell": "whole numbers", "loss": "numbers"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (TABLE.drop("cell"), "no column 'cell'"),
        (TABLE.with_columns(pl.col("cell").cast(pl.String)), "'cell' must hold whole numbers, not string"),
        (TABLE.with_columns(pl.col("loss").cast(pl.String)), "'loss' must hold numbers"),
        (TABLE.with_columns(pl.lit(1).alias("file_name")), "'file_name' must hold text"),
    ],
)
def test_a_column_that_is_missing_or_of_another_kind_is_named(tmp_path, change, says):
    write_parquet(change, tmp_path / "t.parquet")
    with pytest.raises(CloserlookError, match=rf"t\.parquet is damaged: .*{says}.*; analyze again"):
        read_parquet(tmp_path / "t.parquet", COLUMNS, remedy="analyze again")


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_read_or_refused_by_name(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "t.parquet"
    write_parquet(TABLE, path)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 5))):
            content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        read_parquet(path, COLUMNS, remedy="again")
    except CloserlookError as error:
        assert "t.parquet" in str(error)
        assert "again" in str(error)


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "t.parquet").mkdir()
    with pytest.raises(CloserlookError, match=r"t\.parquet cannot be read"):
        read_parquet(tmp_path / "t.parquet", remedy="again")


def test_no_table_is_read_or_written_by_its_path():
    """Polars takes paths for patterns: whoever gives it one gives it an open file or bytes, here and in one place."""
    root = Path(closerlook.__file__).parent
    calls = (
        "read_parquet",
        "scan_parquet",
        "write_parquet",
        "read_csv",
        "scan_csv",
        "write_csv",
        "read_ndjson",
        "sink",
    )
    found = {
        f"{path.relative_to(root).as_posix()}: {ast.unparse(node)}"
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith(calls)
        and node.args  # without any, a table is written as text in memory
        and not ast.unparse(node.args[0]).startswith(("file", "io.BytesIO(", "path.read_bytes("))
    }
    assert found == set()
