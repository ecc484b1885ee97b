"""What a verb says: its answer, what helps besides, what to do next; or one JSON object.

Answers go to standard output, as does what helps besides; progress, warnings and errors go to standard error. With
--quiet only the answer is said, with --verbose more, and with --json nothing but the object that the verb returns.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, RenderableType

from closerlook.compute.progress import COLORS

__all__ = ["Found", "Manner", "answer", "detail", "end_with", "print_json", "say_next", "speaking", "tell"]

Found = dict[str, Any]  # what a verb found: the object that --json prints


@dataclass
class Manner:
    """How a verb is to speak, and the exit code that it ends with."""

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False
    exit_code: int = 0


_manner: ContextVar[Manner] = ContextVar("manner")


@contextmanager
def speaking(manner: Manner) -> Iterator[None]:
    """Within the block all is said in this manner."""
    token = _manner.set(manner)
    try:
        yield
    finally:
        _manner.reset(token)


def answer(*said: RenderableType) -> None:
    """What was asked for."""
    if not _manner.get().as_json:
        for one in said:
            _print(one)


def tell(text: str) -> None:
    """What helps besides: left out with --quiet."""
    if not (_manner.get().quiet or _manner.get().as_json):
        _print(text)


def detail(*said: RenderableType) -> None:
    """What is said with --verbose only."""
    if _manner.get().verbose:
        answer(*said)


def say_next(*words: object) -> None:
    """The command to give next, as the words after ``closerlook``; in capitals what the user has to fill in."""
    tell(f"Next: closerlook {shlex.join(map(str, words))}")


def end_with(code: int) -> None:
    """End with this exit code when all has been said."""
    _manner.get().exit_code = code


def print_json(found: Mapping[str, Any]) -> None:
    """One JSON object on standard output; NaN and infinity, which JSON lacks, become null."""
    typer.echo(json.dumps(_plain(found), indent=2, allow_nan=False))


def _print(said: RenderableType) -> None:
    if isinstance(said, str):
        typer.echo(said)
    else:
        Console(color_system=COLORS).print(said)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
