"""What the lights, airs and exposures of a batch of views are to the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.rendering.light.beams import KeyLights, key_lights
from closerlook.synthesis.rendering.light.conditions import Conditions, conditions
from closerlook.synthesis.rendering.light.lamps import lamp_rows
from closerlook.synthesis.rendering.sensing.optics import tone_curves
from closerlook.synthesis.rendering.surfaces.panels import ground_albedos
from closerlook.synthesis.rendering.values import PROJECTION_ROW
from closerlook.synthesis.rendering.view_batch import ViewBatch, ViewRequest

__all__ = ["Lights", "lights"]

Rows = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Lights:
    """What lights V views and exposes their images.

    Attributes:
        parameters: (V,) the batch's, with the ranges of what follows.
        conditions: the exposures and the airs.
        keys: suns and lamps.
        casts: rows of values.Projection, one for each shadow map.
        lamps: (n, 4) lamps around.
        tones: (V, 4096) tone curves.
        max_counts: lights and airs that a view has at most.
    """

    parameters: Rows
    conditions: Conditions
    keys: KeyLights
    casts: Rows
    lamps: Rows
    tones: Rows
    max_counts: tuple[int, int]


def lights(requests: Sequence[ViewRequest], batch: ViewBatch, shadow_side: int) -> Lights:
    """Light the images that ``requests`` ask for, in the views of their ``batch``; shadow maps are ``shadow_side``
    texels wide."""
    places, sensors = [request.view.place for request in requests], [request.view.sensor for request in requests]
    made = conditions([request.images for request in requests], ground_albedos(places), sensors)
    keys = key_lights(made, np.array([request.pose for request in requests]), places)
    parameters = batch.parameters.copy()
    for name, ends in (("light", made.light_ends), ("air", made.air_ends), ("exposure", made.exposure_ends)):
        parameters[f"first_{name}"], parameters[f"end_{name}"] = ends[:-1], ends[1:]
    parameters["wet"] = _any(made.airs["wetness"] > 0, made.air_ends)
    lamps, ends = lamp_rows(places, keys.dark, batch.frames)
    parameters["first_lamp"], parameters["end_lamp"] = ends[:-1], ends[1:]
    casts: Rows = np.zeros(len(keys.cast_pose), PROJECTION_ROW)
    casts["matrix"], casts["pose"] = keys.cast_matrix, keys.cast_pose
    casts["width"] = casts["height"] = shadow_side
    max_counts = int(np.diff(made.light_ends).max()), int(np.diff(made.air_ends).max())
    return Lights(parameters, made, keys, casts, lamps, tone_curves(sensors), max_counts)


def _any(marks: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(V,) whether any of each view's marks is set; ``ends`` (V + 1,) are where each one's begin."""
    counts = np.concatenate([[0], np.cumsum(marks)])
    return np.asarray(counts[ends[1:]] > counts[ends[:-1]])
