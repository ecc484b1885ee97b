"""What a batch of views is to the kernels: rows of cameras, panels, lights and shots, laid end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.humans.mesh.mesh import PosedBatch
from closerlook.synthesis.rendering.light.conditions import Shot
from closerlook.synthesis.rendering.light.occluder_spheres import shading, spirals
from closerlook.synthesis.rendering.sensing.optics import Optics, optics
from closerlook.synthesis.rendering.surfaces.panels import panel_rows
from closerlook.synthesis.rendering.values import LOOK_ROW, SIGHT_ROW
from closerlook.synthesis.scenes.backdrop import Place, seen_panels
from closerlook.synthesis.scenes.camera import Camera, Frames, frames
from closerlook.synthesis.scenes.sensor import Sensor

__all__ = ["OCCLUSION_METRES", "Stage", "Take", "View", "stage"]

Rows = NDArray[Any]

OCCLUSION_METRES = 0.22
STAINS = 0.6  # how much lighter the lightest ground of a place is than the darkest, as a share of the mean


@dataclass(frozen=True)
class View:
    """Where the camera stands, in which place, and with which electronics it sees."""

    camera: Camera
    place: Place
    sensor: Sensor


@dataclass(frozen=True)
class Take:
    """A view of the person in one of the poses of a batch, and the images to be made of it."""

    view: View
    shots: tuple[Shot, ...] = ()
    pose: int = 0


@dataclass(frozen=True, eq=False)
class Stage:
    """What the surfaces of V views take.

    Attributes:
        frames: the cameras.
        optics: the sensors.
        sights: (V,) rows of values.Sight.
        looks: (V,) rows of values.Look.
        panels: rows of values.Panel.
        blobs: (n, 4) spheres of the places that darken what is seen.
        taps: (V, 16, TAPS, 2) where the person is looked for before the person.
    """

    frames: Frames
    optics: Optics
    sights: Rows
    looks: Rows
    panels: Rows
    blobs: Rows
    taps: Rows


def stage(posed: PosedBatch, takes: Sequence[Take], own: int, size: tuple[int, int], capacity: int) -> Stage:
    """Set views up.

    Args:
        posed: the person's poses.
        takes: the views.
        own: how many of the vertices are the person's own, which cameras are pointed at.
        size: image (height, width).
        capacity: views that the renderer has room for.
    """
    views = [take.view for take in takes]
    cameras, places, sensors = ([getattr(view, part) for view in views] for part in ("camera", "place", "sensor"))
    pose = np.array([take.pose for take in takes])
    seen = frames(cameras, posed.positions[:, :own], pose, size)
    lens = optics(sensors, size, capacity)
    panels = seen_panels(places, seen)
    blobs, ends = _blobs(places, seen)
    sights: Rows = np.zeros(len(takes), SIGHT_ROW)
    for name in ("right", "up", "forward", "window", "distortion"):
        sights[name] = getattr(seen, name)
    sights["position"], sights["pose"] = seen.eye, pose
    sights["height"], sights["width"] = lens.sizes.T
    sights["pixel"] = seen.window[:, 2] / sights["width"]  # a sample is half a pixel
    for name in ("slot", "softness", "bell"):
        sights[name] = getattr(lens, name)
    sights["first_panel"], sights["end_panel"], sights["fronts"] = panels.ends[:-1], panels.ends[1:], panels.fronts
    sights["first_blob"], sights["end_blob"] = ends[:-1], ends[1:]
    sights["saturation"] = [sensor.saturation for sensor in sensors]
    sights["mosaic"] = [sensor.mosaic for sensor in sensors]
    sights["mosaic_down"] = [sensor.grid_down % 2 for sensor in sensors]
    sights["mosaic_right"] = [sensor.grid_right % 2 for sensor in sensors]
    sights["stains"] = [STAINS if place.picture is None else 0.0 for place in places]
    sights["shade"] = [place.shade for place in places]
    sights["pattern"] = [place.shade_variant for place in places]
    looks: Rows = np.zeros(len(takes), LOOK_ROW)
    for name in ("matrix", "window", "distortion"):
        looks[name] = getattr(seen, name)
    looks["pose"], looks["height"], looks["width"] = pose, 2 * sights["height"], 2 * sights["width"]
    reach = OCCLUSION_METRES / seen.distance / (2 * seen.window[:, 3]) * size[0] / 2  # in blocks of 2 x 2 pixels
    return Stage(seen, lens, sights, looks, panel_rows(panels, seen), blobs, spirals(reach))


def _blobs(places: Sequence[Place], seen: Frames) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(n, 4) spheres that may darken what each view sees, and (V + 1,) where each view's begin."""
    view = np.repeat(np.arange(len(places)), [len(place.blobs) for place in places])
    blobs = np.concatenate([place.blobs for place in places])
    kept = shading(blobs, view, seen)
    ends = np.cumsum(np.bincount(view[kept], minlength=len(places)))
    return blobs[kept].astype(np.float32), np.concatenate([[0], ends])
