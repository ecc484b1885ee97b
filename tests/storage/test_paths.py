import os

import pytest
from hypothesis import given, settings, strategies as st

from closerlook.errors import CloserlookError
from closerlook.storage.paths import leads_out, path_within

NAME = st.lists(st.sampled_from(["a", "..", ".", "", "b.png", "...", "~", "x[1]", "é", "-d", " "]), max_size=6)


@given(NAME)
@settings(max_examples=300, deadline=None)
def test_a_path_within_a_folder_lies_there_and_no_other_is_given(tmp_path_factory, parts):
    folder, name = tmp_path_factory.getbasetemp() / "inside", "/".join(parts)
    try:
        path = path_within(folder, name)
    except CloserlookError:
        assert not name or name.startswith("/") or ".." in parts
    else:
        assert os.path.realpath(path).startswith(os.path.realpath(folder))
        assert not leads_out(name)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "..", "../x", "a/../../x", "a\0b"])
def test_names_that_lead_out_are_refused(tmp_path, name):
    with pytest.raises(CloserlookError, match="leads out"):
        path_within(tmp_path, name)


def test_links_are_followed(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    (inside / "real").mkdir(parents=True)
    outside.mkdir()
    (inside / "near").symlink_to(inside / "real")
    (inside / "far").symlink_to(outside)
    (inside / "file.png").symlink_to(outside / "file.png")  # which need not be there
    assert path_within(inside, "near/a.png") == inside / "near" / "a.png"
    for name in ("far/a.png", "file.png", "near/../far/a.png"):
        with pytest.raises(CloserlookError, match="leads out"):
            path_within(inside, name)


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert path_within(tmp_path / "link", "a.png") == tmp_path / "link" / "a.png"
