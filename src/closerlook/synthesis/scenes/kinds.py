"""Kinds of places, read from ``backdrops.yaml``: what grounds, walls and things each may have."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from closerlook.errors import unknown
from closerlook.storage.documents import read_yaml
from closerlook.synthesis.scenes.pictures import picture_files

__all__ = ["BACKDROPS", "THINGS", "Backdrop", "Thing", "backdrops"]

Range = tuple[float, float]
FIRST_PICTURE = 101  # numbers of the user's own pictures begin here


@dataclass(frozen=True)
class Thing:
    """Something that may stand about: its textures, how many, meters high, width as a share of the height, how far
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
        wall_distance, wall_height: meters, ranges.
        closed: chance that a side has a wall; an open side shows the horizon.
        horizon: texture of what stands far away.
        things: what stands about.
        shade: how much of the sun the surroundings take, 0 to 1.
        tile: meters that one ground texture covers.
        picture: the place is this frame of the user's own camera; see scenes.pictures.
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
    picture: Path | None = None


def _read() -> tuple[dict[str, Thing], dict[str, Backdrop]]:
    written = read_yaml(Path(__file__).with_name("backdrops.yaml"))
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
    """The backdrops of these names, all if ``None``; a folder, or one of its pictures, is a name too.

    Raises:
        UsageError: a name is unknown, or a folder holds no pictures.
    """
    chosen: dict[str, Backdrop] = {}
    for name in names or BACKDROPS:
        if name in BACKDROPS:
            chosen[name] = BACKDROPS[name]
        elif Path(name).exists():
            chosen |= {picture.name: picture for picture in _pictures(Path(name).resolve())}
        else:
            raise unknown("backdrop", name, [*BACKDROPS, "path/to/pictures"])
    return tuple(chosen.values())


@functools.cache
def _pictures(path: Path) -> tuple[Backdrop, ...]:
    folder = path if path.is_dir() else path.parent
    return tuple(
        Backdrop(
            name=str(file),
            number=FIRST_PICTURE + i,
            grounds=("concrete",),
            strips=(),
            walls=("concrete",),
            wall_distance=(60.0, 60.0),
            wall_height=(40.0, 40.0),
            closed=1.0,
            horizon="skyline",
            things=(),
            shade=0.0,
            tile=2.6,
            picture=file,
        )
        for i, file in enumerate(picture_files(folder))
        if path in (folder, file)
    )
