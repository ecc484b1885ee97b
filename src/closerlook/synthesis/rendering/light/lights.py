"""What the lights, airs and shots of a batch of views are to the kernels."""

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
from closerlook.synthesis.rendering.values import LOOK_ROW
from closerlook.synthesis.rendering.view_batch import Stage, Take

__all__ = ["Lights", "lights"]

Rows = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Lights:
    """What lights V views and exposes their images.

    Attributes:
        sights: (V,) the stage's, with the ranges of what follows.
        conditions: the shots and the airs.
        keys: suns and lamps.
        casts: rows of values.Look, one for each shadow map.
        lamps: (n, 4) lamps around.
        tones: (V, 4096) tone curves.
        most: lights and airs that a view has at most.
    """

    sights: Rows
    conditions: Conditions
    keys: KeyLights
    casts: Rows
    lamps: Rows
    tones: Rows
    most: tuple[int, int]


def lights(takes: Sequence[Take], stage: Stage, shadow_side: int) -> Lights:
    """Light the shots of ``takes`` in the views of a ``stage``; shadow maps are ``shadow_side`` texels wide."""
    places, sensors = [take.view.place for take in takes], [take.view.sensor for take in takes]
    made = conditions([take.shots for take in takes], ground_albedos(places), sensors)
    keys = key_lights(made, np.array([take.pose for take in takes]), places)
    sights = stage.sights.copy()
    for name, ends in (("light", made.light_ends), ("air", made.air_ends), ("shot", made.shot_ends)):
        sights[f"first_{name}"], sights[f"end_{name}"] = ends[:-1], ends[1:]
    sights["wet"] = _any(made.airs["wetness"] > 0, made.air_ends)
    lamps, ends = lamp_rows(places, keys.dark, stage.frames)
    sights["first_lamp"], sights["end_lamp"] = ends[:-1], ends[1:]
    casts: Rows = np.zeros(len(keys.cast_pose), LOOK_ROW)
    casts["matrix"], casts["pose"] = keys.cast_matrix, keys.cast_pose
    casts["width"] = casts["height"] = shadow_side
    most = int(np.diff(made.light_ends).max()), int(np.diff(made.air_ends).max())
    return Lights(sights, made, keys, casts, lamps, tone_curves(sensors), most)


def _any(marks: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(V,) whether any of each view's marks is set; ``ends`` (V + 1,) are where each one's begin."""
    counts = np.concatenate([[0], np.cumsum(marks)])
    return np.asarray(counts[ends[1:]] > counts[ends[:-1]])
