"""What a batch of views is to the kernels: rows of cameras, panels, lights and shots, laid end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.render import occlusion
from closerlook.synthesis.render.beams import (
    LAMP_DISTANCE,
    NO_CASTERS,
    caster_rows,
    mirrored_sky,
    shadow_matrix,
    turned_sky,
    weighted,
)
from closerlook.synthesis.render.blobs import shading, spirals
from closerlook.synthesis.render.conditions import exposed_rows
from closerlook.synthesis.render.lamps import lamp_rows
from closerlook.synthesis.render.optics import optics, tone_curves
from closerlook.synthesis.render.panels import panel_rows
from closerlook.synthesis.render.textures import CHAIN_LENGTH, library
from closerlook.synthesis.render.values import (
    AIR_ROW, BLUR_ROW, CASTER_ROW, EXPOSED_ROW, KEY_LIGHT_ROW, LOOK_ROW, PANEL_ROW, SIGHT_ROW,
)
from closerlook.synthesis.scene.backdrop import Place, visible
from closerlook.synthesis.scene.camera import Camera, frames as frames_of
from closerlook.synthesis.scene.lighting import key_direction, turned
from closerlook.synthesis.scene.sensor import Sensor
from closerlook.synthesis.scene.sky import sky_light

Rows = NDArray[Any]
STAINS = 0.6


@dataclass(frozen=True)
class View:
    """Where the camera stands, in which place, and with which electronics it sees."""

    camera: Camera
    place: Place
    sensor: Sensor


@dataclass(frozen=True, eq=False)
class Stage:
    frames: list
    positions: Rows
    normals: Rows
    sights: Rows
    looks: Rows
    slots: Rows
    panels: Rows
    optics: Any
    blobs: Rows
    taps: Rows
    tones: Rows
    lamps: Rows
    lights: Rows
    skies: Rows
    gloss: Rows
    casters: Rows
    airs: Rows
    shots: Rows

    def sensor_size(self, k):
        return int(self.sights["height"][k]), int(self.sights["width"][k])


def ground_albedo(place):
    shared, panels = library(), place.panels
    last = shared.start[panels.texture[0]] + CHAIN_LENGTH - 1
    return np.asarray((shared.texels[last, :3] / 255.0) ** 2.2 * panels.tint[0])


def stage(takes, own, size, shadow_side, capacity):
    count = len(takes)
    poses = {}
    for take in takes:
        poses.setdefault(id(take.posed), take.posed)
    number = {key: i for i, key in enumerate(poses)}
    pose_of = [number[id(take.posed)] for take in takes]
    positions = np.stack([p.positions for p in poses.values()])
    normals = np.stack([p.normals for p in poses.values()])
    frames = frames_of([take.view.camera for take in takes], positions[:, :own], np.array(pose_of), size)
    sensors = [take.view.sensor for take in takes]
    lens = optics(sensors, size, capacity)
    sights = np.zeros(count, SIGHT_ROW)
    looks = np.zeros(count, LOOK_ROW)
    panels, blobs, lampr = [], [], []
    lights, skies, casters, airs, shots = [], [], [], [], []
    slots, cast_looks, known = [], [], {}
    glosses = {}
    n_p = n_b = n_l = n_li = n_a = n_s = n_c = 0
    for k, take in enumerate(takes):
        seen = frames[k]
        s, place, sensor = sights[k], take.view.place, take.view.sensor
        s["position"], s["right"], s["up"], s["forward"] = seen.eye, seen.right, seen.up, seen.forward
        s["window"], s["distortion"] = seen.window, seen.distortion
        h, w = lens.sizes[k]
        s["height"], s["width"], s["pixel"] = h, w, seen.window[2] / w
        s["pose"] = pose_of[k]
        shown = visible(place, seen)
        rows = panel_rows(shown, seen)
        s["first_panel"], s["end_panel"], s["fronts"] = n_p, n_p + len(rows), int(shown.front.sum())
        n_p += len(rows)
        panels.append(rows)
        near = place.blobs[shading(place.blobs, np.full(len(place.blobs), k), frames)]
        s["first_blob"], s["end_blob"] = n_b, n_b + len(near)
        n_b += len(near)
        blobs.append(near.astype(np.float32))
        s["mosaic"], s["mosaic_down"], s["mosaic_right"] = sensor.mosaic, sensor.grid_down % 2, sensor.grid_right % 2
        s["saturation"] = sensor.saturation
        s["stains"] = 0.0 if place.picture is not None else STAINS
        s["shade"], s["pattern"] = place.shade, place.shade_variant
        look = looks[k]
        look["matrix"], look["window"], look["distortion"], look["pose"] = seen.matrix, seen.window, seen.distortion, pose_of[k]
        look["width"], look["height"] = 2 * w, 2 * h
        if not take.shots:
            continue
        illuminations = list(dict.fromkeys(shot.illumination for shot in take.shots))
        exposed, air = exposed_rows(take.shots, ground_albedo(place), sensor)
        exposed["light"] = [illuminations.index(shot.illumination) for shot in take.shots]
        lit = np.zeros(len(illuminations), bool)
        lit[exposed["light"][exposed["sun"].any(1)]] = True
        s["wet"] = int((air["wetness"] > 0).any())
        s["first_light"], s["end_light"] = n_li, n_li + len(illuminations)
        n_li += len(illuminations)
        lamp_any = False
        for ill, on in zip(illuminations, lit):
            light = np.zeros((), KEY_LIGHT_ROW)
            towards = key_direction(sky_light(ill), place.north)
            lamp = sky_light(ill).lamp
            lamp_any |= lamp
            light["place"] = towards * LAMP_DISTANCE + [0.0, 0.9, 0.0] if lamp else towards
            light["reach"] = LAMP_DISTANCE**2 if lamp else 0.0
            light["sunward"] = turned(sky_light(ill).sunward, place.north)[[0, 2]]
            light["shadow"] = shadow_matrix(towards, lamp)
            light["lit"] = on
            light["gloss"] = glosses.setdefault(ill, len(glosses))
            if on:
                key = (pose_of[k], ill, place.north)
                if key not in known:
                    known[key] = len(known)
                    slots.append(known[key])
                    c = np.zeros((), LOOK_ROW)
                    c["matrix"], c["window"], c["pose"], c["width"], c["height"] = light["shadow"], (0, 0, 1, 1), pose_of[k], shadow_side, shadow_side
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
        s["first_air"], s["end_air"] = n_a, n_a + len(air)
        n_a += len(air)
        airs.append(air)
        s["first_shot"], s["end_shot"] = n_s, n_s + len(exposed)
        n_s += len(exposed)
        shots.append(exposed)

    sights["slot"], sights["softness"], sights["bell"] = lens.slot, lens.softness, lens.bell
    taps = spirals(0.22 / frames.distance / (2 * frames.window[:, 3]) * size[0])

    def cat(parts, empty):
        return np.concatenate([*parts, empty]) if not len(parts) else np.concatenate(parts)

    return Stage(
        frames, positions, normals, sights,
        np.concatenate([looks, np.array(cast_looks, LOOK_ROW)]) if cast_looks else looks,
        np.array(slots, np.int32), np.concatenate(panels),
        lens,
        np.concatenate(blobs), taps, tone_curves(sensors), cat(lampr, np.zeros((0, 4), np.float32)),
        np.array(lights, KEY_LIGHT_ROW), np.array(skies, np.float32).reshape(-1, 9, 3),
        np.stack([mirrored_sky(i) for i in glosses]) if glosses else np.zeros((0, 1, 3), np.float32),
        cat(casters, NO_CASTERS), cat(airs, np.zeros(0, AIR_ROW)), cat(shots, np.zeros(0, EXPOSED_ROW)),
    )
