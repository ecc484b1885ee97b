"""Rules of the greedy choice: which levels of one attribute are kept. Options and plans write them as text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from closerlook.errors import UsageError, unknown
from closerlook.selection.paper import PAPER

__all__ = ["Rule", "parse_rule"]


@dataclass(frozen=True)
class Rule:
    """A rule, as :func:`parse_rule` reads it.

    Attributes:
        name: what it does.
        number: how many levels ``top`` keeps, or the line that ``below`` draws.
        target: of ``paper``, a key of :data:`closerlook.selection.paper.PAPER`.
    """

    name: Literal["not-worse", "mean", "top", "below", "paper"]
    number: float = math.nan
    target: str = ""


def parse_rule(text: str) -> Rule:
    """The rule that ``text`` writes: ``not-worse``, ``mean``, ``top:3``, ``below:0.5``, ``paper:market``,
    ``paper:duke``.

    Raises:
        UsageError: it writes none.
    """
    if text == "not-worse":
        return Rule("not-worse")
    if text == "mean":
        return Rule("mean")
    if text.startswith("paper:"):
        target = text.removeprefix("paper:")
        if target not in PAPER:
            raise unknown("target of the paper", target, PAPER)
        return Rule("paper", target=target)
    if match := re.fullmatch(r"top:([1-9][0-9]{0,8})", text):
        return Rule("top", int(match[1]))
    if (match := re.fullmatch(r"below:([-+0-9.e]+)", text)) and math.isfinite(line := _number(match[1])):
        return Rule("below", line)
    raise UsageError(
        f"Unknown rule '{text}'. Known: not-worse, mean, top:NUMBER (as top:3), below:VALUE (as below:0.5), "
        "paper:market, paper:duke."
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
