"""The ways to choose, one file each, behind one interface: from a gap and what was asked for to a choice."""

from __future__ import annotations

from collections.abc import Callable

from closerlook.choices import Method
from closerlook.gap import Gap
from closerlook.selection.methods import (
    density_ratio,
    diverse,
    exhaustive,
    greedy,
    mixture,
    nearest,
    quadratic,
    trained_head,
)
from closerlook.selection.methods.asked import Asked, Choice

__all__ = ["CHOOSERS", "NEEDS_IMAGES", "Asked", "Choice", "Chooser"]

Chooser = Callable[[Gap, Asked], Choice]

CHOOSERS: dict[Method, Chooser] = {
    "greedy": greedy.choose,
    "exhaustive": exhaustive.choose,
    "quadratic": quadratic.choose,
    "mixture": mixture.choose,
    "nearest": nearest.choose,
    "diverse": diverse.choose,
    "density-ratio": density_ratio.choose,
    "trained-head": trained_head.choose,
}
NEEDS_IMAGES: tuple[Method, ...] = ("density-ratio", "trained-head")
