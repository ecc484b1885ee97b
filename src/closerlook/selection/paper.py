"""The levels that the paper itself kept for each of its targets (Tables 1 and 2).

Its Figure 3 draws a line by hand through each attribute's total losses and keeps what lies below. No formula gives the
lines: they are not the mean, by which three of the six choices come out otherwise. Two of the bars end on the line as
far as the figure can be read, both for DukeMTMC-reID: clouds, which Table 2 leaves out, and afternoon, which it keeps.
"""

from __future__ import annotations

from collections.abc import Mapping

from closerlook.attributes import Level

__all__ = ["PAPER"]

_DAY: tuple[Level, ...] = ("forenoon", "noon", "afternoon")

PAPER: Mapping[str, Mapping[str, tuple[Level, ...]]] = {
    "market": {"viewpoint": (30, 60, 90, 120, 150, 330), "weather": ("sunny", "clouds"), "illumination": _DAY},
    "duke": {"viewpoint": (60, 90, 120, 150, 180, 210), "weather": ("foggy", "blizzard"), "illumination": _DAY},
}
