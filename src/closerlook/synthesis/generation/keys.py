"""What the randomness of a scene and of an image is keyed with."""

from __future__ import annotations

from closerlook.attributes import Level

__all__ = ["key_of", "scene_key", "walk_key"]


def scene_key(scene_per: str, identity: int, viewpoint: Level, *levels: Level) -> tuple[str | int, ...]:
    """What an image shares its pose, camera and place with; ``levels`` are those of all factors but the viewpoint."""
    azimuth, *rest = key_of(viewpoint, *levels)
    return {
        "person": ("cell", identity),  # this word keys what is drawn: another would draw other images
        "view": ("view", identity, azimuth),
        "image": ("image", identity, azimuth, *rest),
    }[scene_per]


def walk_key(scene_per: str, identity: int, camera: int, *levels: Level) -> tuple[str | int, ...]:
    """What images of a network share a walk with: one past a camera, or one for each of the cells with these
    ``levels``."""
    return ("walk", identity, camera, *(key_of(*levels) if scene_per == "image" else ()))


def key_of(*levels: Level) -> tuple[str | int, ...]:
    """Levels as what randomness is keyed with; 90.0 is 90."""
    whole = (int(level) if isinstance(level, float) and level.is_integer() else level for level in levels)
    return tuple(repr(level) if isinstance(level, float) else level for level in whole)
