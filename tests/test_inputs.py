from pathlib import Path

import pytest

from closerlook.errors import CloserlookError, UsageError
from closerlook.inputs import find_data, find_gap, find_model, find_recipe, find_reportable


def test_data_are_a_path_or_a_format_and_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_data(str(tmp_path)) == ("", tmp_path)
    assert find_data(f"market1501:{tmp_path}") == ("market1501", tmp_path)
    (tmp_path / "data").mkdir()
    assert find_data("folder:~/data") == ("folder", tmp_path / "data")
    colon = tmp_path / "a:b"
    colon.mkdir()
    assert find_data(str(colon)) == ("", colon)


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        ("", CloserlookError, "names no folder"),
        ("market1501:", CloserlookError, "names no folder"),
        ("nowhere", CloserlookError, "no data set at nowhere"),
        ("folder:nowhere", CloserlookError, "no data set at nowhere"),
        ("marketx:nowhere", UsageError, "Did you mean 'market1501'"),
    ],
)
def test_data_that_are_not_there_are_named(source: str, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        find_data(source)


def test_a_model_is_a_file_a_folder_or_a_name(tmp_path: Path) -> None:
    assert find_model("lite0") is None
    assert find_model("module:network") is None
    file = tmp_path / "model.safetensors"
    file.touch()
    assert find_model(tmp_path) == find_model(file) == file
    with pytest.raises(CloserlookError, match="There is no model"):
        find_model(tmp_path / "other")
    with pytest.raises(UsageError, match="Did you mean 'resnet50'"):
        find_model("resnet5")


def test_a_recipe_is_a_name_or_a_file(tmp_path: Path) -> None:
    assert find_recipe("baseline").is_file()
    own = tmp_path / "own.yaml"
    with pytest.raises(CloserlookError, match="There is no file"):
        find_recipe(str(own))
    own.touch()
    assert find_recipe(str(own)) == own
    with pytest.raises(UsageError, match="Did you mean 'strong'"):
        find_recipe("strng")


def test_what_a_report_is_about_follows_from_the_files(tmp_path: Path) -> None:
    with pytest.raises(CloserlookError, match="There is no folder"):
        find_reportable(tmp_path / "nowhere")
    with pytest.raises(CloserlookError, match="holds neither"):
        find_reportable(tmp_path)
    with pytest.raises(CloserlookError, match="holds no analysis"):
        find_gap(tmp_path)
    for file, kind in (("run.json", "run"), ("gap.json", "analysis"), ("study.json", "study")):
        (tmp_path / file).touch()
        assert find_reportable(tmp_path) == kind
    assert find_gap(tmp_path) == tmp_path
