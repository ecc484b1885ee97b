"""What a batch of views is to the kernels: rows of cameras and panels, laid end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.humans.mesh.mesh import PosedBatch
from closerlook.synthesis.rendering.light.conditions import ImageRequest
from closerlook.synthesis.rendering.light.occluder_spheres import may_occlude, spirals
from closerlook.synthesis.rendering.sensing.optics import Optics, optics
from closerlook.synthesis.rendering.surfaces.panels import panel_rows
from closerlook.synthesis.rendering.values import PROJECTION_ROW, VIEW_PARAMETERS_ROW
from closerlook.synthesis.scenes.backdrop import Place, visible_panels
from closerlook.synthesis.scenes.camera import Camera
from closerlook.synthesis.scenes.frames import Frames, frames
from closerlook.synthesis.scenes.sensor import Sensor

__all__ = ["OCCLUSION_METERS", "View", "ViewBatch", "ViewRequest", "batch_views"]

Rows = NDArray[Any]

OCCLUSION_METERS = 0.22
STAINS = 0.6  # how much lighter the lightest ground of a place is than the darkest, as a share of the mean


@dataclass(frozen=True)
class View:
    """Where the camera stands, in which place, and with which electronics it sees."""

    camera: Camera
    place: Place
    sensor: Sensor


@dataclass(frozen=True)
class ViewRequest:
    """A view of the person in one of the poses of a batch, and the images to make of it."""

    view: View
    images: tuple[ImageRequest, ...] = ()
    pose: int = 0


@dataclass(frozen=True, eq=False)
class ViewBatch:
    """What the kernels need for the surfaces of V views.

    Attributes:
        frames: the cameras.
        optics: the sensors.
        parameters: (V,) rows of values.ViewParameters.
        projections: (V,) rows of values.Projection.
        panels: rows of values.Panel.
        occluders: (n, 4) spheres that stand for the places' things, which darken what is near.
        taps: (V, 16, TAPS, 2) where the person is looked for before the person.
    """

    frames: Frames
    optics: Optics
    parameters: Rows
    projections: Rows
    panels: Rows
    occluders: Rows
    taps: Rows


def batch_views(
    posed: PosedBatch, requests: Sequence[ViewRequest], body_vertices: int, size: tuple[int, int], capacity: int
) -> ViewBatch:
    """Lay views out for the kernels.

    Args:
        posed: the person's poses.
        requests: the views.
        body_vertices: how many of the vertices, from the first, are the body's, which cameras are pointed at.
        size: image (height, width).
        capacity: views that the renderer has room for.
    """
    views = [request.view for request in requests]
    cameras, places, sensors = ([getattr(view, part) for view in views] for part in ("camera", "place", "sensor"))
    pose = np.array([request.pose for request in requests])
    geometry = frames(cameras, posed.positions[:, :body_vertices], pose, size)
    lens = optics(sensors, size, capacity)
    panels = visible_panels(places, geometry)
    occluders, ends = _occluders(places, geometry)
    parameters: Rows = np.zeros(len(requests), VIEW_PARAMETERS_ROW)
    for name in ("right", "up", "forward", "window", "distortion"):
        parameters[name] = getattr(geometry, name)
    parameters["position"], parameters["pose"] = geometry.eye, pose
    parameters["height"], parameters["width"] = lens.sizes.T
    parameters["pixel"] = geometry.window[:, 2] / parameters["width"]  # a sample is half a pixel
    for name in ("slot", "softness", "chroma_tap_count"):
        parameters[name] = getattr(lens, name)
    parameters["first_panel"], parameters["end_panel"], parameters["fronts"] = (
        panels.ends[:-1],
        panels.ends[1:],
        panels.fronts,
    )
    parameters["first_sphere"], parameters["end_sphere"] = ends[:-1], ends[1:]
    parameters["saturation"] = [sensor.saturation for sensor in sensors]
    parameters["mosaic"] = [sensor.mosaic for sensor in sensors]
    parameters["mosaic_down"] = [sensor.grid_down % 2 for sensor in sensors]
    parameters["mosaic_right"] = [sensor.grid_right % 2 for sensor in sensors]
    parameters["stains"] = [STAINS if place.picture is None else 0.0 for place in places]
    parameters["shade"] = [place.shade for place in places]
    parameters["pattern"] = [place.shade_variant for place in places]
    projections: Rows = np.zeros(len(requests), PROJECTION_ROW)
    for name in ("matrix", "window", "distortion"):
        projections[name] = getattr(geometry, name)
    projections["pose"], projections["height"], projections["width"] = (
        pose,
        2 * parameters["height"],
        2 * parameters["width"],
    )
    reach = (
        OCCLUSION_METERS / geometry.distance / (2 * geometry.window[:, 3]) * size[0] / 2
    )  # in blocks of 2 x 2 pixels
    return ViewBatch(geometry, lens, parameters, projections, panel_rows(panels, geometry), occluders, spirals(reach))


def _occluders(places: Sequence[Place], geometry: Frames) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(n, 4) spheres that may darken what each view sees, and (V + 1,) where each view's begin."""
    view = np.repeat(np.arange(len(places)), [len(place.occluder_spheres) for place in places])
    occluders = np.concatenate([place.occluder_spheres for place in places])
    kept = may_occlude(occluders, view, geometry)
    ends = np.cumsum(np.bincount(view[kept], minlength=len(places)))
    return occluders[kept].astype(np.float32), np.concatenate([[0], ends])
