"""Kinds of places, read from ``backdrops.yaml``: what grounds, walls and things each may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from closerlook.errors import unknown

__all__ = ["BACKDROPS", "THINGS", "Backdrop", "Thing", "backdrops"]

Range = tuple[float, float]


@dataclass(frozen=True)
class Thing:
    """Something that may stand about: its textures, how many, metres high, width as a share of the height, how far
    from the person."""

    textures: tuple[str, ...]
    count: tuple[int, int]
    height: Range
    width: float
    distance: Range


@dataclass(frozen=True)
class Backdrop:
    """A kind of place.

    Attributes:
        name, number: as users write it, and ``p`` in FineGPR's file names.
        grounds, strips, walls: names of textures to choose from; strips are what else the ground has: kerbs, lanes,
            beds, paths.
        wall_distance, wall_height: metres, ranges.
        closed: chance that a side has a wall; an open side shows the horizon.
        horizon: texture of what stands far away.
        things: what stands about.
        shade: how much of the sun the surroundings take, 0 to 1.
        tile: metres that one ground texture covers.
    """

    name: str
    number: int
    grounds: tuple[str, ...]
    strips: tuple[str, ...]
    walls: tuple[str, ...]
    wall_distance: Range
    wall_height: Range
    closed: float
    horizon: str
    things: tuple[Thing, ...]
    shade: float
    tile: float


def _read() -> tuple[dict[str, Thing], dict[str, Backdrop]]:
    written = yaml.safe_load(Path(__file__).with_name("backdrops.yaml").read_text())
    things = {name: Thing(**_frozen(values)) for name, values in written["things"].items()}

    def thing(entry: str | dict[str, Any]) -> Thing:
        if isinstance(entry, str):
            return things[entry]
        base = written["things"][entry["like"]]
        return Thing(**_frozen({**base, **{name: value for name, value in entry.items() if name != "like"}}))

    kinds = {}
    for name, values in written["backdrops"].items():
        stand = tuple(thing(entry) for entry in values["things"])
        kinds[name] = Backdrop(name=name, **{**_frozen(values), "things": stand})
    return things, kinds


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


THINGS, BACKDROPS = _read()


def backdrops(names: Sequence[str] | None = None) -> tuple[Backdrop, ...]:
    """The backdrops of these names, all if ``None``.

    Raises:
        UsageError: a name is unknown.
    """
    for name in names or ():
        if name not in BACKDROPS:
            raise unknown("backdrop", name, BACKDROPS)
    return tuple(BACKDROPS[name] for name in dict.fromkeys(names or BACKDROPS))
