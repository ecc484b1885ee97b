import pytest
from hypothesis import given, strategies as st
from typer.testing import CliRunner

from closerlook.cli import app
from closerlook.cli.options import parse_assignments, parse_levels, parse_size
from closerlook.errors import UsageError


@given(st.integers(16, 4096), st.integers(16, 4096))
def test_sizes_are_height_by_width(height, width):
    assert parse_size(f"{height}x{width}") == parse_size(f"{height},{width}") == (height, width)


@pytest.mark.parametrize("text", ["128", "128x", "axb", "8x64", "128x64x3", "-128x64", ""])
def test_sizes_that_are_none_are_refused(text):
    with pytest.raises(UsageError, match="--size"):
        parse_size(text)


def test_levels_of_one_factor_add_up():
    assert parse_levels(["weather=sunny, clouds", "viewpoint=30", "weather=foggy"]) == {
        "weather": ["sunny", "clouds", "foggy"],
        "viewpoint": ["30"],
    }
    assert parse_levels(None) == {}


@pytest.mark.parametrize("text", ["weather", "weather=", "weather=,"])
def test_levels_without_a_level_are_refused(text):
    with pytest.raises(UsageError, match="weather=sunny,clouds"):
        parse_levels([text])


def test_assignments_are_yaml():
    values = parse_assignments(["steps=400", "size=[128, 64]", "head.neck=true", "name=mine"])
    assert values == {"steps": 400, "size": [128, 64], "head.neck": True, "name": "mine"}
    with pytest.raises(UsageError, match="steps=400"):
        parse_assignments(["steps"])
    with pytest.raises(UsageError, match="not valid YAML"):
        parse_assignments(["steps=[1"])


@pytest.mark.parametrize("verb", ["analyze", "study"])
def test_several_sources_become_one_table_first(verb):
    result = CliRunner().invoke(app, [verb, "a", "b", "target", "--out", "new"])
    assert isinstance(result.exception, UsageError)
    assert "found also target" in str(result.exception)
    assert "closerlook dataset import A B --out all" in str(result.exception)
