"""Several data sets as one, whose people and cameras are others."""

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from closerlook.attributes import Factor
from closerlook.dataset import Dataset, concatenate, import_dataset, open_dataset
from closerlook.dataset.dataset import DISTRACTOR, JUNK
from closerlook.dataset.decoding import read_image
from closerlook.errors import CloserlookError, UsageError

from .drawing import write


def made(root, name, identities, cameras=None, **columns):
    names = [f"{number}.png" for number in range(len(identities))]
    for number, file in enumerate(names):
        write(root / name / file, seed=number)
    table = pl.DataFrame({"file_name": names, "identity": identities, "camera": cameras or [1] * len(names), **columns})
    return Dataset.from_table(root / name, table, name)


def test_people_and_cameras_are_kept_apart_and_sources_named(tmp_path):
    a = made(tmp_path, "a", [0, 3, 3], [1, 2, None])
    b = made(tmp_path / "deep", "b", [0, 1, JUNK, DISTRACTOR, None], [0, 1, 1, 1, 1])
    c = made(tmp_path, "c", [5, 5], [7, 7])
    both = concatenate(a, b, c)
    assert both.table["identity"].to_list() == [0, 3, 3, 4, 5, JUNK, DISTRACTOR, None, 11, 11]
    assert both.table["camera"].to_list() == [1, 2, None, 3, 4, 4, 4, 4, 12, 12]
    assert both.table["source"].to_list() == ["a"] * 3 + ["b"] * 5 + ["c"] * 2
    assert both.name == "a+b+c" and both.root == tmp_path
    assert [path.is_file() for path in both.paths] == [True] * 10
    assert both.paths[3] == tmp_path / "deep" / "b" / "0.png"


@given(st.lists(st.lists(st.none() | st.integers(-2, 2**40), min_size=1, max_size=5), min_size=2, max_size=4))
@settings(max_examples=50, deadline=None)
def test_no_two_sources_share_a_person(tmp_path_factory, numbers):
    root = tmp_path_factory.mktemp("many")
    parts = []
    for number, row in enumerate(numbers):
        names = [f"{image}.png" for image in range(len(row))]
        table = pl.DataFrame({"file_name": names, "identity": pl.Series(row, dtype=pl.Int64)})
        parts.append(Dataset.from_table(root / str(number), table, str(number)))
    both = concatenate(*parts)
    people = both.table.filter(pl.col("identity") >= 0)
    assert set(people.group_by("identity").agg(pl.col("source").n_unique())["source"]) <= {1}
    assert people["identity"].n_unique() == sum(len({n for n in row if n is not None and n >= 0}) for row in numbers)


def test_attributes_of_all_are_factors_and_others_are_empty(tmp_path):
    a = made(tmp_path, "a", [1, 2], weather=["sunny", "foggy"], hour=["noon", "night"])
    b = made(tmp_path, "b", [1, 2], weather=["rain", "foggy"], bag=["yes", "no"])
    both = concatenate(a, b)
    assert both.factors == (Factor("source", ("a", "b")), Factor("weather", ("foggy", "sunny", "rain")))
    assert both.table["hour"].to_list() == ["noon", "night", None, None]
    assert both.where(source=["b"]).table["bag"].to_list() == ["yes", "no"]


def test_one_alone_is_itself_and_none_is_refused(tmp_path):
    a = made(tmp_path, "a", [1])
    assert concatenate(a) is a
    with pytest.raises(UsageError, match="at least one"):
        concatenate()


def test_sources_of_sources_and_of_equal_names(tmp_path):
    a, b, c = (made(tmp_path / part, "people", [1]) for part in "abc")
    assert concatenate(a, b).table["source"].to_list() == ["people", "people-2"]
    nested = concatenate(concatenate(a, b), c)
    assert nested.table["source"].to_list() == ["people", "people-2", "people"]
    assert nested.table["identity"].n_unique() == 3


def test_an_image_in_two_sources_is_told(tmp_path):
    a = made(tmp_path, "a", [1, 2])
    with pytest.raises(CloserlookError, match=r"2 images are in two of a, a-2, first .*a/0\.png"):
        concatenate(a, a)


def test_columns_of_other_kinds_are_told(tmp_path):
    a, b = made(tmp_path, "a", [1], mark=[[1]]), made(tmp_path, "b", [1], mark=["x"])
    with pytest.raises(CloserlookError, match="do not fit together"):
        concatenate(a, b)


def test_files_that_lie_anywhere_are_still_found(tmp_path):
    a = made(tmp_path, "a", [1, 2])
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "b.csv").write_text(f"file_name,identity\n{tmp_path}/a/0.png,1\n")
    b = open_dataset(f"manifest:{tmp_path}/lists/b.csv")
    c = made(tmp_path, "c", [1])
    both = concatenate(c, b)
    assert read_image(both.paths[1]).shape == (16, 8, 3)
    assert len(concatenate(a, c, made(tmp_path, "d", [1]))) == 4


def test_imported_together_they_are_one_table(tmp_path):
    a, b = made(tmp_path, "a", [1, 2]), made(tmp_path, "b", [1])
    a.save(), b.save()
    import_dataset(str(a.root), str(b.root), out=tmp_path / "all")
    data = open_dataset(tmp_path / "all")
    assert data.table["identity"].to_list() == [1, 2, 4]
    assert [read_image(path).shape for path in data.paths] == [(16, 8, 3)] * 3
