"""Folders whose images' names a regular expression of the user's own explains."""

import re

import pytest
from hypothesis import example, given, settings, strategies as st

from closerlook.dataset import open_dataset
from closerlook.dataset.formats.pattern import read_pattern
from closerlook.errors import CloserlookError, UsageError

from .drawing import write

NAME = r"(?P<identity>\d+)_c(?P<camera>\d+)"


def fill(root, *names):
    for number, name in enumerate(names):
        write(root / name, seed=number)
    return root


def test_groups_are_columns_and_others_than_people_and_cameras_attributes(tmp_path):
    fill(tmp_path, "day/0007_c2_a.png", "night/0010_c1_b.png")
    data = open_dataset(f"pattern:{tmp_path}", name=r"(?P<hour>\w+)/(?P<identity>\d+)_c(?P<camera>\d)_(?P<pose>.)")
    assert data.table.select("file_name", "identity", "camera", "split", "hour", "pose").rows() == [
        ("day/0007_c2_a.png", 7, 2, "train", "day", "a"),
        ("night/0010_c1_b.png", 10, 1, "train", "night", "b"),
    ]
    assert [factor.name for factor in data.factors] == ["hour", "pose"]
    assert data.name == tmp_path.name


def test_names_and_uuids_become_numbers_and_stay_in_the_table(tmp_path):
    fill(tmp_path, "zoe/gate.png", "adam/gate.png", "adam/hall.png")
    data = open_dataset(f"pattern:{tmp_path}", name=r"^(?P<identity>[^/]+)/(?P<camera>[^/]+)\.png$")
    rows = data.table.select("identity_label", "identity", "camera_label", "camera").rows()
    assert rows == [("adam", 1, "gate", 1), ("adam", 1, "hall", 2), ("zoe", 2, "gate", 1)]


@pytest.mark.parametrize(
    ("said", "split"),
    [("train", "train"), ("query", "query"), ("bounding_box_test", "gallery"), ("test", "gallery"), ("val", "train")],
)
def test_a_group_called_split_says_which_part(tmp_path, said, split):
    fill(tmp_path, f"{said}/1_c1.png")
    assert read_pattern(tmp_path, rf"(?P<split>\w+)/{NAME}").table["split"].to_list() == [split]


def test_a_group_that_takes_no_part_is_empty(tmp_path):
    fill(tmp_path, "1_c1.png", "2.png")
    table = read_pattern(tmp_path, r"^(?P<identity>\d+)(?:_c(?P<camera>\d+))?\.").table
    assert table["camera"].to_list() == [1, None]


@pytest.mark.parametrize(
    ("names", "pattern", "says"),
    [
        (["a.png", "b c.png"], NAME, r"no image matches .*: a\.png, b c\.png"),
        (["1_c1.png", "été\n.png"], NAME, "1 of 2 do not match .*été"),
        (["x/1_c1.png"], r"(?P<split>\w)/(?P<identity>\d)", "'x' is no split; known: train"),
        (["1.5_c1.png"], r"(?P<identity>[\d.]+)_c", "'identity' must hold whole numbers or names"),
        ([], NAME, "no images"),
    ],
)
def test_names_that_do_not_say_it_are_shown(tmp_path, names, pattern, says):
    fill(tmp_path, *names)
    with pytest.raises(CloserlookError, match=says):
        read_pattern(tmp_path, pattern)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "no regular expression"),
        (r"(?P<1>x)", "no regular expression"),
        (r"\d+", "no named group"),
        ("", "no named group"),
        (r"(?P<file_name>.*)", "'file_name' has a meaning of its own"),
    ],
)
def test_expressions_that_say_nothing_are_refused(tmp_path, pattern, says):
    fill(tmp_path, "1_c1.png")
    with pytest.raises(UsageError, match=says):
        read_pattern(tmp_path, pattern)


def test_a_pattern_without_a_name_and_a_name_without_a_pattern(tmp_path):
    fill(tmp_path, "1_c1.png")
    with pytest.raises(UsageError, match=r"needs a name.*dataset import pattern:"):
        open_dataset(f"pattern:{tmp_path}")
    with pytest.raises(UsageError, match="Only pattern:PATH takes a name"):
        open_dataset(f"folder:{tmp_path}", name=NAME)


@given(st.text(max_size=20) | st.text("(?P<identity>)d+[]|*.^$\\", max_size=20))
@example("(?P<identity>(?P<identity>.))")
@example("(?P<a>.){99999999999999999999}")
@settings(max_examples=150, deadline=None)
def test_no_expression_ends_in_anything_but_a_data_set_or_our_error(tmp_path_factory, pattern):
    root = tmp_path_factory.mktemp("pattern")
    (root / "0001_c1.png").touch()
    try:
        found = read_pattern(root, pattern)
    except CloserlookError as error:
        assert str(error)
        return
    assert set(re.compile(pattern).groupindex) <= {*found.table.columns}
