"""What the lights and airs of a batch of views are to the kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.render.beams import (
    LAMP_DISTANCE,
    NO_CASTERS,
    caster_rows,
    mirrored_sky,
    shadow_matrix,
    turned_sky,
    weighted,
)
from closerlook.synthesis.render.conditions import conditions
from closerlook.synthesis.render.lamps import lamp_rows
from closerlook.synthesis.render.panels import ground_albedos
from closerlook.synthesis.render.values import KEY_LIGHT_ROW, LOOK_ROW
from closerlook.synthesis.scene.lighting import key_direction, turned
from closerlook.synthesis.scene.sky import sky_light

Rows = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Lights:
    slots: Rows
    casts: Rows
    lamps: Rows
    lights: Rows
    skies: Rows
    gloss: Rows
    casters: Rows
    airs: Rows
    shots: Rows


def light_rows(takes, stage, shadow_side):
    lampr, lights, skies, casters, airs, shots = [], [], [], [], [], []
    slots, cast_looks, known, glosses = [], [], {}, {}
    n_l = n_li = n_a = n_s = n_c = 0
    places, sensors = ([getattr(take.view, part) for take in takes] for part in ("place", "sensor"))
    made = conditions([take.shots for take in takes], ground_albedos(places), sensors)
    sights = stage.sights
    for name, ends in (("light", made.light_ends), ("air", made.air_ends), ("shot", made.shot_ends)):
        sights[f"first_{name}"], sights[f"end_{name}"] = ends[:-1], ends[1:]
    for k, take in enumerate(takes):
        s, place, seen = sights[k], take.view.place, stage.frames[k]
        pose = take.pose
        s["wet"] = int((made.airs["wetness"][s["first_air"]:s["end_air"]] > 0).any())
        lamp_any = False
        for number in range(s["first_light"], s["end_light"]):
            ill, on = made.illuminations[made.light[number]], made.lit[number]
            light = np.zeros((), KEY_LIGHT_ROW)
            towards = key_direction(sky_light(ill), place.north)
            lamp = sky_light(ill).lamp
            lamp_any |= lamp
            light["place"] = towards * LAMP_DISTANCE + [0.0, 0.9, 0.0] if lamp else towards
            light["reach"] = LAMP_DISTANCE**2 if lamp else 0.0
            light["sunward"] = turned(sky_light(ill).sunward, place.north)[[0, 2]]
            light["shadow"] = shadow_matrix(towards, lamp)
            light["lit"] = on
            light["gloss"] = made.light[number]
            if on:
                key = (pose, ill, place.north)
                if key not in known:
                    known[key] = len(known)
                    slots.append(known[key])
                    c = np.zeros((), LOOK_ROW)
                    c["matrix"], c["window"], c["pose"], c["width"], c["height"] = light["shadow"], (0, 0, 1, 1), pose, shadow_side, shadow_side
                    cast_looks.append(c)
                light["slot"] = known[key]
            rows = NO_CASTERS if lamp else caster_rows(place.panels, light["place"])
            light["first_caster"], light["end_caster"] = n_c, n_c + len(rows)
            n_c += len(rows)
            casters.append(rows)
            lights.append(light)
            skies.append(weighted(turned_sky(ill, place.north)))
        lr = lamp_rows(place.lamps[: None if lamp_any else 0], seen)
        s["first_lamp"], s["end_lamp"] = n_l, n_l + len(lr)
        n_l += len(lr)
        lampr.append(lr)

    def cat(parts, empty):
        return np.concatenate([*parts, empty]) if not len(parts) else np.concatenate(parts)

    return Lights(
        np.array(slots, np.int32), np.array(cast_looks, LOOK_ROW) if cast_looks else np.zeros(0, LOOK_ROW),
        cat(lampr, np.zeros((0, 4), np.float32)),
        np.array(lights, KEY_LIGHT_ROW), np.array(skies, np.float32).reshape(-1, 9, 3),
        np.stack([mirrored_sky(i) for i in made.illuminations]) if made.illuminations else np.zeros((0, 1, 3), np.float32),
        cat(casters, NO_CASTERS), made.airs, made.shots,
    )
