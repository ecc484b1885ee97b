"""YAML that somebody else wrote: whatever is wrong with it is one kind of error, and reading it costs little."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["parse_yaml"]

MAX_VALUES = 1_000_000
MAX_BITS = 1024  # of a whole number: more than a float can be


def parse_yaml(text: str) -> Any:
    """The value of a YAML document, as :func:`yaml.safe_load` gives it.

    Raises:
        yaml.YAMLError: the text is not YAML, a value is not of the type that its tag says, it is nested too deeply,
            holds itself, or says by aliases far more than it holds.
    """
    try:
        value = yaml.safe_load(text)
        values = _count(value, {})
    except yaml.YAMLError:
        raise
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply, or holds itself") from None
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:  # PyYAML lets them out
        raise yaml.YAMLError(f"a value is not of its type: {error}") from None
    if values > MAX_VALUES:
        raise yaml.YAMLError(f"it holds more than {MAX_VALUES:,} values")
    return value


def _count(value: object, known: dict[int, int]) -> int:
    """How many values there are when every alias is written out; what ``known`` has by its id is not walked again."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise yaml.YAMLError("a number is too large")
    if not isinstance(value, dict | list | tuple):
        return 1
    if id(value) not in known:
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(value)]
