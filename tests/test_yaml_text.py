"""Whatever is written in a file, reading it ends, and with one kind of error."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from closerlook.yaml_text import parse_yaml

LAUGHS = "\n".join(["a0: &a0 [ha]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10))])


@pytest.mark.parametrize(
    "text",
    [
        "[" * 3000 + "]" * 3000,
        "{a: " * 3000 + "1" + "}" * 3000,
        LAUGHS,
        "&a [*a]",
        "&a {b: *a}",
        "a: [1",
        "2024-99-99",
        '!!int ""',
        "!!int x",
        "!!float x",
        "!!timestamp soon",
        "!!bool perhaps",
        "!!binary é",
        "!!python/object:os.system x",
        "? [a]\n: b",
        "1" * 5000,
        "0x" + "f" * 5000,
        "\x00",
    ],
)
def test_what_cannot_be_read_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        parse_yaml(text)


@given(st.text(alphabet="-:[]{}&*!?|>'\"#%@ \n\tab01.~x", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_value_or_that_error(text: str) -> None:
    try:
        value = parse_yaml(text)
    except yaml.YAMLError:
        return
    repr(value)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abc xyz"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
)


@given(plain)
@settings(deadline=None)
def test_what_was_written_is_read(value: object) -> None:
    assert parse_yaml(yaml.safe_dump(value)) == value


def test_values_that_an_alias_shares_are_read() -> None:
    shared = [1.5, math.inf]
    assert parse_yaml(yaml.safe_dump({"a": shared, "b": shared})) == {"a": shared, "b": shared}
