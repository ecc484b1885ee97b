"""What may stand between a camera and the person."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.kinds import THINGS
from closerlook.synthesis.scenes.panels import Panels, Place, gathered, texture_number
from closerlook.synthesis.scenes.places import ROUGH, spheres, tints
from closerlook.synthesis.scenes.textures import VARIANTS

__all__ = ["LOW", "TALL", "hidden_by", "nothing_before"]

LOW = ("bicycle", "scooter", "railing", "bench", "bush", "box")
TALL = {"passer": 0.42, "pole": 1.0, "tree": 0.05}  # share of their width that is solid below 1.7 m
SLIM = 0.147  # half a person's width, as a share of their height


def hidden_by(place: Place, camera: Camera, rng: np.random.Generator, height: float = 1.7) -> Place:
    """The place with something between the person and the camera, if the camera has an ``occlusion``.

    Low things (a bicycle, a railing, a bush) stand before the legs, tall ones (somebody who passes, a pole, a trunk)
    before a side: before about that share of the person's height or width, or as much as they are wide. Through a
    bicycle or a railing most of the legs can still be seen.

    Args:
        place: without it.
        camera: that it stands before.
        rng: says what it is.
        height: of the person, meters.
    """
    if camera.occlusion <= 0.0:
        return place
    which, tall, near, beside, side, mirrored, texture, variant = rng.random(8).tolist()
    name = (*LOW, *TALL)[int(which * (len(LOW) + len(TALL)))]
    kind = THINGS[name]
    tall = kind.height[0] + (kind.height[1] - kind.height[0]) * tall
    width = tall * kind.width
    if name in LOW:
        tall, nearer = _before_legs(camera, tall, height)
        aside = 0.3 * (2 * beside - 1) * width
    else:
        nearer = 0.7 + (min(2.5, 0.5 * camera.distance) - 0.7) * near
        past = _before_side(camera, nearer, TALL[name] * width, SLIM * height, beside)
        aside = math.copysign(past, side - 0.5)
    x, z = math.cos(math.radians(camera.viewpoint)), math.sin(math.radians(camera.viewpoint))
    thing = Panels(
        np.array([texture_number(kind.textures[int(texture * len(kind.textures))], int(variant * VARIANTS))]),
        corner=np.array([[x * nearer - z * aside, 0.0, z * nearer + x * aside]]),
        along=np.array([[math.copysign(width, mirrored - 0.5), 0.0, 0.0]]),
        upward=np.array([[0.0, tall, 0.0]]),
        tint=tints(rng.standard_normal((1, 4))),
        repeat=np.ones((1, 2)),
        shift=np.zeros((1, 2)),
        cutout=np.ones(1, bool),
        turns=np.ones(1, bool),
        front=np.ones(1, bool),
        roughness=np.full(1, ROUGH),
    )
    panels = gathered([place.panels[:1], thing, place.panels[1:]])
    return replace(place, panels=panels, occluder_spheres=np.concatenate([place.occluder_spheres, spheres(thing)]))


def nothing_before(place: Place) -> Place:
    """The place without what is seen before the person."""
    kept = place.panels[np.flatnonzero(~place.panels.front)]
    return replace(place, panels=kept, occluder_spheres=spheres(kept[np.flatnonzero(kept.turns)]))


def _before_legs(camera: Camera, tall: float, height: float) -> tuple[float, float]:
    """Meters high and meters from the person of something at most so ``tall``: where the line of sight over its top
    meets the person at the height that it is to hide."""
    hidden = camera.occlusion * height
    above = max(camera.height - hidden, 0.5)
    tall = min(tall, hidden + 0.6 * above)
    return tall, max((tall - hidden) / above * camera.distance, 0.45)


def _before_side(camera: Camera, nearer: float, solid: float, half: float, share: float) -> float:
    """Meters beside the line of sight of something ``solid`` meters wide, so much nearer than a person whose ``half``
    width is given: its edge reaches as far in as it is to hide, or all of it is before the person, further out the
    larger ``share``."""
    enlarged = camera.distance / (camera.distance - nearer)  # as it is seen at the person's distance
    reach = camera.occlusion * 2 * half
    if solid * enlarged < reach:
        return (half / enlarged - solid / 2) * share
    return (half - reach) / enlarged + solid / 2
