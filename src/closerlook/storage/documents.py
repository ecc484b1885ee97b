"""JSON and YAML from outside: read in one place, with bounds, so that a bad file is one message that names it.

Whatever is wrong with a file (not there, a folder, not UTF-8, cut off, nested for ever, a name given twice, a value of
another type) ends as a :class:`CloserlookError` that says which file, where in it, and what to do.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from closerlook.errors import CloserlookError

__all__ = ["checked", "first_problem", "parse_json", "parse_yaml", "read_json", "read_text", "read_yaml"]

T = TypeVar("T")

LARGEST = 256 * 2**20  # bytes; a result of 100,000 queries has about 30 MiB
DEEPEST = 64  # levels of nesting; a design has 5
MOST_VALUES = 4_000_000  # in a YAML document, aliases counted as what they stand for


def read_text(path: str | Path, remedy: str = "") -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Args:
        path: the file; a pipe will do.
        remedy: what to do about a bad file, a sentence for the message.

    Raises:
        CloserlookError: it is not there, a folder, unreadable, longer than 256 MiB or not UTF-8.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise CloserlookError(_join(f"There is no file {path}.", remedy)) from None
    except IsADirectoryError:
        raise CloserlookError(_join(f"{path} is a folder, not a file.", remedy)) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise CloserlookError(_join(f"{path} cannot be read: {reason}.", remedy)) from None
    if len(data) > LARGEST:
        raise CloserlookError(_join(f"{path} is longer than {LARGEST // 2**20} MiB.", remedy))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CloserlookError(_join(f"{path} is not UTF-8 text: byte {error.start}.", remedy)) from None


def read_json(path: str | Path, kind: type[T], remedy: str = "") -> T:
    """The value of a JSON file, checked against a type.

    Args:
        kind: what it must hold: ``dict[str, float]``, a dataclass, ``list[Run]``. Types are strict (``"1"`` is no
            number); fields that a dataclass does not have are an error.
        remedy: what to do about a bad file, a sentence for the message.

    Raises:
        CloserlookError: it cannot be read, is not JSON, holds NaN, a name twice, or something other than ``kind``.
    """
    return parse_json(read_text(path, remedy), kind, str(path), remedy)


def parse_json(text: str, kind: type[T], where: str, remedy: str = "") -> T:
    """:func:`read_json` of a text; ``where`` says in messages where it comes from."""
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_whole
        )
        text.encode()  # the escapes of half a character pass as text until something is written
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        reason = "it is nested too deep" if isinstance(error, RecursionError) else _json_reason(error)
        raise CloserlookError(_join(f"{where} is damaged: {reason}.", remedy)) from None
    return _validated(text, kind, where, remedy)


def checked(value: object, kind: type[T], where: str, remedy: str = "") -> T:
    """What :func:`read_yaml` read, checked against a type as :func:`read_json` does."""
    return _validated(json.dumps(value, default=str), kind, where, remedy)


def read_yaml(path: str | Path, remedy: str = "") -> Any:
    """The value of a YAML file: mappings, lists, text, numbers, booleans and None. Dates stay text.

    Raises:
        CloserlookError: it cannot be read or is not YAML; or it is nested deeper than 64 levels, gives a name twice or
            unfolds, by its aliases, to more than 4,000,000 values.
    """
    return parse_yaml(read_text(path, remedy), str(path), remedy)


def parse_yaml(text: str, where: str, remedy: str = "") -> Any:
    """:func:`read_yaml` of a text; ``where`` says in messages where it comes from."""
    try:
        _check_events(text)
        value = yaml.load(text, _Loader)
        json.dumps(_texts(value), ensure_ascii=False).encode()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise CloserlookError(_join(f"{where} is not valid YAML: {line}{error.problem}.", remedy)) from None
    # Beside its own errors the loader lets through those of a value that its tag does not fit (!!int x, !!bool maybe).
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        problem = "a number, or what stands behind a tag, cannot be read as such"
        raise CloserlookError(_join(f"{where} is not valid YAML: {problem}.", remedy)) from None
    except yaml.YAMLError as error:
        raise CloserlookError(_join(f"{where} is not valid YAML: {_one_line(error)}.", remedy)) from None
    return value


def first_problem(error: ValidationError) -> str:
    """The first of what pydantic found wrong: the field and why, such as ``runs.0.mAP: Input should be a number``."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _validated(text: str, kind: type[T], where: str, remedy: str) -> T:
    adapter: TypeAdapter[T] = _adapter(kind)  # type: ignore[arg-type]
    try:
        value = adapter.validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        raise CloserlookError(_join(f"{where} is damaged: {first_problem(error)}.", remedy)) from None
    except CloserlookError as error:  # of a dataclass that checks itself
        raise CloserlookError(_join(f"{where} is damaged: {error}", remedy)) from None
    return value


def _join(problem: str, remedy: str) -> str:
    return f"{problem} {remedy}".strip()


def _one_line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200].rstrip(".")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _json_reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    return "it holds half a character" if isinstance(error, UnicodeEncodeError) else _one_line(error)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"'{next(name for name in names if names.count(name) > 1)}' is there twice")
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text[:20]} is too large")
    return value


def _whole(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (value := int(text)) < 2**63:
        raise ValueError(f"{text[:20]} is too large")
    return value


_SafeLoader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # the former is eight times as fast


class _Loader(_SafeLoader):  # type: ignore[misc, valid-type]
    """The safe loader, to which dates are text: no field of ours is a date, and a level may look like one."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass
class _Open:
    """A list or mapping that is being read."""

    anchor: str | None
    mapping: bool
    children: int = 0
    values: int = 1
    depth: int = 1
    keys: set[tuple[str, bool]] = field(default_factory=set)


def _check_events(text: str) -> None:
    """Refuse what would take for ever, or more stack than there is, before anything is built.

    The parser's events come one by one, so neither depth nor aliases of aliases (each of which would double what a
    reader walks) cost anything here.
    """
    stack = [_Open(None, False)]
    anchored: dict[str, tuple[int, int]] = {}  # values and depth of what an alias stands for

    def add(event: yaml.Event, values: int, depth: int, key: tuple[str, bool] | None = None) -> None:
        parent = stack[-1]
        if parent.mapping and parent.children % 2 == 0 and key is not None:
            if key in parent.keys:
                raise _refuse(event, f"'{key[0]}' is there twice")
            parent.keys.add(key)
        parent.children += 1
        parent.values += values
        parent.depth = max(parent.depth, depth + 1)
        if parent.values > MOST_VALUES:
            raise _refuse(event, "its aliases unfold to more than 4,000,000 values")
        if len(stack) + depth > DEEPEST:
            raise _refuse(event, f"it is nested deeper than {DEEPEST} levels")

    for event in yaml.parse(text, _Loader):
        match event:
            case yaml.ScalarEvent():
                add(event, 1, 1, (event.value, event.implicit[0]))
                if event.anchor:
                    anchored[event.anchor] = 1, 1
            case yaml.AliasEvent():
                if event.anchor not in anchored:
                    raise _refuse(event, f"alias '{event.anchor}' stands for nothing, or for itself")
                add(event, *anchored[event.anchor])
            case yaml.CollectionStartEvent():
                anchored.pop(event.anchor or "", None)
                stack.append(_Open(event.anchor, isinstance(event, yaml.MappingStartEvent)))
                if len(stack) > DEEPEST:
                    raise _refuse(event, f"it is nested deeper than {DEEPEST} levels")
            case yaml.CollectionEndEvent():
                done = stack.pop()
                add(event, done.values, done.depth)
                if done.anchor:
                    anchored[done.anchor] = done.values, done.depth


def _refuse(event: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _texts(value: object) -> object:
    """``value`` with everything as text, keys too: only to see that all of it can be written again."""
    if isinstance(value, dict):
        return {str(key): _texts(item) for key, item in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list | tuple | set) else str(value)
