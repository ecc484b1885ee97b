"""The errors that users see: one clear sentence that names what is wrong, where, and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["CloserlookError", "UsageError", "first_line", "short", "unknown"]


class CloserlookError(Exception):
    """Something outside the program is not as it must be. The command line prints the message and exits with 1.

    Example:
        >>> try:
        ...     cl.open_dataset("nowhere")
        ... except cl.CloserlookError as error:
        ...     print(error)
        There is no data set at nowhere; give a folder, a .csv, .jsonl or .parquet file, or NAME:PATH.
    """

    exit_code = 1


class UsageError(CloserlookError):
    """The request itself cannot be met, whatever the data: an unknown name, a contradictory option. Exits with 2.

    Example:
        >>> try:
        ...     cl.Factor("weather", ("sunny", "foggy")).index("fogy")
        ... except cl.UsageError as error:
        ...     print(error)
        Unknown level of weather 'fogy'. Did you mean 'foggy'? Known: sunny, foggy.
    """

    exit_code = 2


def short(value: object, length: int = 40) -> str:
    """A value of the user's in a message: its text, of which so many characters at most."""
    text = str(value)
    return text if len(text) <= length else f"{text[: length - 3]}..."


def first_line(error: BaseException) -> str:
    """What a library's error says, without the lines that explain it; the error's name where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def unknown(what: str, name: object, known: Iterable[object]) -> UsageError:
    """The error for a name that is not among ``known``; it lists them and suggests the nearest one."""
    names = [str(item) for item in known]
    nearest = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return UsageError(f"Unknown {what} '{name}'.{hint} Known: {', '.join(names)}.")
