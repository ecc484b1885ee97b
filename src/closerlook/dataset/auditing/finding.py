"""One thing that an audit found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SHOWN", "Finding"]

SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing that an audit found.

    Attributes:
        check: which check, a short name that stays the same.
        severity: a ``problem`` is likely to spoil a result, a ``note`` is worth knowing.
        count: how many images, groups or pairs.
        message: what it is, a sentence without its full stop.
        files: the first that it is about, or messages that name them.
    """

    check: str
    severity: Literal["problem", "note"]
    count: int
    message: str
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        some = f": {', '.join(self.files[:SHOWN])}" if self.files else ""
        more = ", ..." if len(self.files) > SHOWN else ""
        return f"{'PROBLEM' if self.severity == 'problem' else 'note'}: {self.message}{some}{more}"
