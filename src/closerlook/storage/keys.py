"""What a kept result depends on: named inputs that are stored beside it, so that it is never taken for another's.

A key is a mapping from names to plain values (numbers, text, lists, mappings); large inputs such as images and weights
take part by a digest. Two results with equal keys are the same result.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from closerlook.errors import short

__all__ = ["DIGEST", "Key", "changes", "digest", "plain"]

Key = Mapping[str, Any]
DIGEST = "sha256:"


def digest(value: object) -> str:
    """A digest of bytes, or of the canonical JSON of a plain value."""
    data = value if isinstance(value, bytes) else _canonical(value).encode()
    return DIGEST + hashlib.sha256(data).hexdigest()


def plain(value: object) -> Any:
    """``value`` as JSON gives it back: tuples become lists, and names of mappings text."""
    return json.loads(json.dumps(value, default=str))


def changes(before: object, now: Key) -> str:
    """In which inputs two keys differ, for a message: ``"recipe.steps (2 there, 3 now), data"``; empty if in none.

    Args:
        before: the key that was kept, as JSON gives it back.
        now: the key of what is asked for.
    """
    if not isinstance(before, Mapping):
        return "everything it was made from, which it does not say"
    return ", ".join(_differences(before, plain(now), ""))


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in dict.fromkeys([*now, *before]):
        one, other = before.get(name), now.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _differences(one, other, f"{path}{name}.")
        elif one != other:
            told = not any(isinstance(value, Mapping) or str(value).startswith(DIGEST) for value in (one, other))
            yield f"{path}{name}" + (f" ({_short(one)} there, {_short(other)} now)" if told else "")


def _short(value: object) -> str:
    return "none" if value is None else short(value, 60)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
