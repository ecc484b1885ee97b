"""What a user names is opened: a folder of any kind, a table, or a format and a path; or why it cannot be."""

from pathlib import Path

import pytest

from closerlook.dataset import open_dataset
from closerlook.errors import CloserlookError, UsageError

from .drawing import write


def test_closerlooks_own_folder_comes_back_as_saved(people):
    again = open_dataset(people.root)
    assert again.table.equals(people.table)
    assert again.factors == people.factors
    assert open_dataset(f"folder:{people.root}").table.equals(people.table)


def test_a_folder_with_metadata_csv(tmp_path):
    write(tmp_path / "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,identity\na.png,9\n")
    assert open_dataset(tmp_path).identities.tolist() == [9]


def test_plain_images_are_an_unlabeled_target(tmp_path):
    for name in ("b/2.JPG", "a/1.png", "3.webp", ".hidden/4.png"):
        write(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no image")
    data = open_dataset(tmp_path / "in")
    assert data.table["file_name"].to_list() == ["3.webp", "a/1.png", "b/2.JPG"]
    assert data.table["identity"].null_count() == 3
    assert data.factors == ()


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir()])
def test_nothing_and_an_empty_folder(tmp_path, make):
    make(tmp_path / "x")
    for source in (tmp_path / "x", f"folder:{tmp_path / 'x'}", f"market1501:{tmp_path / 'x'}"):
        with pytest.raises(CloserlookError, match="x"):
            open_dataset(source)


def test_an_unknown_format_suggests_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'market1501'"):
        open_dataset("market:/data")


@pytest.mark.parametrize("source", ["", "market1501:", "folder:"])
def test_no_path_is_not_the_working_folder(source):
    with pytest.raises(CloserlookError, match="names no folder"):
        open_dataset(source)


def test_a_data_set_is_opened_as_it_is(people):
    assert open_dataset(people) is people


def test_only_text_is_read_for_a_format_and_for_the_home_folder(people, monkeypatch):
    monkeypatch.setenv("HOME", str(people.root.parent))
    assert open_dataset(f"~/{people.root.name}").root == people.root
    with pytest.raises(CloserlookError, match="There is no data set at ~/people"):
        open_dataset(Path("~") / people.root.name)
