"""Tables that are text, as people and programs write them: CSV, and a JSON object a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from closerlook.dataset.columns import is_whole
from closerlook.errors import CloserlookError, first_line

__all__ = ["read_csv", "read_json", "read_jsonl", "read_text", "typed"]

SEPARATORS = ",;\t"
MOST, LEAST = 2**63 - 1, -(2**63)


def read_csv(path: Path) -> pl.DataFrame:
    """A table with a line of headings. Commas, semicolons or tabs, any line ends, a byte order mark, blanks around
    headings and values, and blank lines are all taken; columns of numbers become numbers.

    Blanks around a ``file_name`` are its own, unless its heading has some too.

    Raises:
        CloserlookError: the file is missing, is not UTF-8, has no headings, or one of them twice.
    """
    text = read_text(path)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    heading = text.lstrip("\n").partition("\n")[0]
    if not heading.strip():
        raise CloserlookError(f"{path} cannot be read as a table: it is empty.")
    try:
        separator = next((each for each in SEPARATORS if "file_name" in _cells(heading, each)), ",")
        names = _cells(heading, separator)
    except csv.Error as error:  # a carriage return inside a line, or a heading without end
        raise CloserlookError(f"{path} cannot be read as a table: its first line: {error}") from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CloserlookError(f"{path} has two columns '{twice[0]}'; rename one.")
    try:
        table = pl.read_csv(io.BytesIO(text.encode()), infer_schema=False, separator=separator)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError) as error:
        raise CloserlookError(
            f"{path} cannot be read as a table: {first_line(error)}. Give every row as many values as there are "
            "headings, and put those in quotes that hold a separator."
        ) from None
    exact = {"file_name"} & set(table.columns)  # headings without blanks
    table = table.rename({name: name.strip() for name in table.columns})
    table = table.with_columns(
        pl.col(name) if name in exact else pl.col(name).str.strip_chars() for name in table.columns
    ).with_columns(pl.when(pl.all() != "").then(pl.all()))
    table = table.filter(~pl.all_horizontal(pl.all().is_null()))
    return table.with_columns(table[name] if name == "file_name" else typed(table[name]) for name in table.columns)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line.rstrip("\r")], delimiter=separator), [])]


def typed(column: pl.Series) -> pl.Series:
    """Text as whole numbers or numbers, where all of it is."""
    for dtype in (pl.Int64, pl.Float64):
        as_numbers = column.cast(dtype, strict=False)
        if as_numbers.null_count() == column.null_count():
            # A number of a person beyond 64 bits stays text: as a fraction it would lose its last digits.
            whole = dtype == pl.Float64 and is_whole(column)
            return column if whole else as_numbers
    return column


def read_jsonl(path: Path) -> pl.DataFrame:
    """A JSON object a line; a row's missing keys are null.

    Raises:
        CloserlookError: the file is missing or is not UTF-8, or a line is not an object.
    """
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CloserlookError(f"{path}, line {number}, is not JSON: {error}.") from None
        if not isinstance(row, dict):
            raise CloserlookError(f'{path}, line {number}, must be an object such as {{"file_name": "a.jpg"}}.')
        rows.append(row)
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame([_column(path, name, [row.get(name) for row in rows]) for name in names])


def _column(path: Path, name: str, values: Sequence[Any]) -> pl.Series:
    try:
        return _series(name, values)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError, OverflowError) as error:
        raise CloserlookError(
            f"{path}: column '{name}' does not hold values of one kind in all lines ({first_line(error)})."
        ) from None


def _series(name: str, values: Sequence[Any]) -> pl.Series:
    """Values of one kind as they are; texts and numbers mixed, and numbers beyond 64 bits, as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int} and all(value is None or LEAST <= value <= MOST for value in values):
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds <= {int, float} and float in kinds:
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    if kinds <= {str, int, float, bool} and kinds != {bool}:
        texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
        return pl.Series(name, texts, dtype=pl.String)
    if len(kinds) > 1:  # of which some would be lost
        raise ValueError(f"{' and '.join(sorted(kind.__name__ for kind in kinds))} mixed")
    return pl.Series(name, values)


def read_json(path: Path) -> Any:
    """The value of a JSON file of others, in which NaN may stand and names may be unknown.

    Raises:
        CloserlookError: the file is missing, is not UTF-8 or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise CloserlookError(f"{path} is not JSON: {error}.") from None


def read_text(path: Path) -> str:
    """The text of a file, without a byte order mark.

    Raises:
        CloserlookError: the file is missing or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise CloserlookError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise CloserlookError(f"{path} cannot be read: it is a folder.") from None
    except UnicodeDecodeError:
        raise CloserlookError(f"{path} cannot be read: it is not UTF-8 text; save it as UTF-8.") from None
