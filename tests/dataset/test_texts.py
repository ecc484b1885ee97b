"""Tables as people write them."""

import csv
import io
import json

import polars as pl
import pytest
from hypothesis import example, given, settings, strategies as st

from closerlook.dataset.formats.texts import read_csv, read_jsonl
from closerlook.errors import CloserlookError

pytestmark = pytest.mark.slow


PLAIN = "file_name,identity,weather\na.png,3,foggy\nb.png,4,sunny\n"
SPELLINGS = {
    "as it is": PLAIN,
    "blanks after commas": PLAIN.replace(",", ", "),
    "blanks before commas": PLAIN.replace(",", " ,").replace("png ,", "png,"),
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "a blank line at the end": PLAIN + "\n\n",
    "blank lines first": "\n\n" + PLAIN,
    "a byte order mark": "\ufeff" + PLAIN,
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "lines of Windows": PLAIN.replace("\n", "\r\n"),
    "lines of old Macs": PLAIN.replace("\n", "\r"),
    "no last line end": PLAIN.rstrip("\n"),
    "everything quoted": "\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in PLAIN.splitlines()),
    "all of Windows": "\ufeff" + PLAIN.replace("\n", "\r\n").replace(",", ";") + "\r\n",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_table_is_the_same_table(tmp_path, spelling):
    (tmp_path / "m.csv").write_bytes(SPELLINGS[spelling].encode())
    found = read_csv(tmp_path / "m.csv")
    assert found.columns == ["file_name", "identity", "weather"]
    assert found.rows() == [("a.png", 3, "foggy"), ("b.png", 4, "sunny")]


def test_blanks_belong_to_a_files_name_unless_its_heading_has_some(tmp_path):
    (tmp_path / "m.csv").write_text("file_name,x\n a.png ,1\n")
    assert read_csv(tmp_path / "m.csv")["file_name"].to_list() == [" a.png "]
    (tmp_path / "m.csv").write_text("x, file_name\n1, a.png\n")
    assert read_csv(tmp_path / "m.csv")["file_name"].to_list() == ["a.png"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (PLAIN.encode("utf-16"), "not UTF-8 text"),
        (b"file_name,weather\na.png,f\xf6gy\n", "not UTF-8 text"),
        (b"file_name,x, x\na.png,1,2\n", "two columns 'x'"),
        (b"file_name,x\na.png,1,2,3\n", "cannot be read as a table.*as many values as there are headings"),
    ],
)
def test_what_is_no_table_is_explained(tmp_path, content, says):
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(CloserlookError, match=rf"m\.csv.*{says}"):
        read_csv(tmp_path / "m.csv")


@pytest.mark.parametrize("values", ['[1, 2]|"x"', '{"a": 1}|[1]', '{"y": [1, {"z": null}]}|null'])
def test_a_column_of_several_kinds_is_named(tmp_path, values):
    lines = [f'{{"file_name": "{number}.png", "kept": {value}}}\n' for number, value in enumerate(values.split("|"))]
    (tmp_path / "m.jsonl").write_text("".join(lines))
    with pytest.raises(CloserlookError, match=r"m\.jsonl: column 'kept' does not hold values of one kind"):
        read_jsonl(tmp_path / "m.jsonl")


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(CELL, st.integers(-(10**20), 10**20)), min_size=1, max_size=6), st.sampled_from(",;\t"))
@settings(max_examples=150, deadline=None)
def test_names_and_numbers_written_as_csv_come_back(tmp_path_factory, rows, separator):
    rows = [(f"{index}{name}.png", number) for index, (name, number) in enumerate(rows)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator)
    writer.writerows([("file_name", "identity"), *rows])
    path = tmp_path_factory.mktemp("csv") / "m.csv"
    path.write_bytes(buffer.getvalue().encode())
    found = read_csv(path)
    assert found["file_name"].to_list() == [name for name, _ in rows]
    assert [int(value) for value in found["identity"]] == [number for _, number in rows]  # not a digit is lost


@given(st.text(max_size=120) | st.binary(max_size=120), st.sampled_from([read_csv, read_jsonl]))
@example("\r0\n", read_csv)
@example("a" * 200_000 + "\n1\n", read_csv)
@settings(max_examples=300, deadline=None)
def test_no_text_ends_in_anything_but_a_table_or_our_error(tmp_path_factory, content, read):
    path = tmp_path_factory.mktemp("fuzz") / "m.txt"
    path.write_bytes(b"file_name,b\n" + content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    try:
        assert isinstance(read(path), pl.DataFrame)
    except CloserlookError as error:
        assert "m.txt" in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.sampled_from(["file_name", "identity", "x"]), JSON), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_objects_a_line_come_back_or_are_refused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("jsonl") / "m.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    try:
        found = read_jsonl(path)
    except CloserlookError as error:
        assert "m.jsonl" in str(error)
        return
    assert set(found.columns) == {name for row in rows for name in row}
    for name in found.columns:
        values = [row.get(name) for row in rows]
        if all(value is None or isinstance(value, str) for value in values):
            assert found[name].to_list() == values


def test_numbers_beyond_64_bits_are_kept_as_text(tmp_path):
    (tmp_path / "m.jsonl").write_text('{"file_name": "a", "identity": 9223372036854775808}\n\n{"file_name": "b"}\n')
    assert read_jsonl(tmp_path / "m.jsonl")["identity"].to_list() == ["9223372036854775808", None]


@pytest.mark.parametrize(
    ("content", "says"),
    [("{}\n[1]", "line 2, must be an object"), ("{}\n\n{", "line 3, is not JSON"), ("[" * 9**5, "line 1")],
)
def test_a_line_that_is_no_object_is_named(tmp_path, content, says):
    (tmp_path / "m.jsonl").write_text(content)
    with pytest.raises(CloserlookError, match=rf"m\.jsonl, {says}"):
        read_jsonl(tmp_path / "m.jsonl")
