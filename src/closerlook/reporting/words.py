"""Numbers as a page writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

__all__ = ["FILTERS", "listed", "number", "percent", "points", "seconds"]

MINUS, UNKNOWN = "\u2212", "–"


def percent(share: float | None, digits: int = 1) -> str:
    """A share of 1 in percent, without that word.

    Example:
        >>> percent(0.256)
        '25.6'
    """
    return number(None if share is None else 100 * share, digits)


def points(difference: float, digits: int = 1) -> str:
    """A difference of two shares, in percentage points with its sign."""
    return UNKNOWN if math.isnan(difference) else f"{100 * difference:+.{digits}f}".replace("-", MINUS)


def seconds(value: float) -> str:
    """A duration."""
    return f"{value:.0f} s" if value < 100 else f"{value // 60:.0f} min {value % 60:02.0f} s"


def number(value: float | None, digits: int = 3) -> str:
    """A number with its minus sign; a dash where it is not known."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:.{digits}f}".replace("-", MINUS)


def listed(names: Sequence[object]) -> str:
    """Names as a sentence lists them.

    Example:
        >>> listed(["sunny", "clouds", "foggy"])
        'sunny, clouds and foggy'
    """
    texts = [str(name) for name in names]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


FILTERS: dict[str, Callable[..., str]] = {
    "listed": listed,
    "number": number,
    "percent": percent,
    "points": points,
    "seconds": seconds,
}
