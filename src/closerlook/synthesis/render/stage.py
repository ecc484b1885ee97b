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
from closerlook.synthesis.render.blobs import body_blobs, shading, spiral
from closerlook.synthesis.render.conditions import exposed_rows
from closerlook.synthesis.render.lamps import lamp_rows
from closerlook.synthesis.render.optics import bell, blurs, softened, tone_curve
from closerlook.synthesis.render.panels import panel_rows
from closerlook.synthesis.render.textures import CHAIN_LENGTH, library
from closerlook.synthesis.render.values import (
    AIR_ROW, BLUR_ROW, CASTER_ROW, EXPOSED_ROW, KEY_LIGHT_ROW, LOOK_ROW, PANEL_ROW, SIGHT_ROW,
)
from closerlook.synthesis.scene.backdrop import Place, visible
from closerlook.synthesis.scene.camera import Camera, Frame, frame
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
    blurs: list
    bells: Rows
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


def stage(takes, own, size, shadow_side):
    count = len(takes)
    poses = {}
    for take in takes:
        poses.setdefault(id(take.posed), take.posed)
    number = {key: i for i, key in enumerate(poses)}
    pose_of = [number[id(take.posed)] for take in takes]
    positions = np.stack([p.positions for p in poses.values()])
    normals = np.stack([p.normals for p in poses.values()])
    frames = [frame(take.view.camera, take.posed.positions[:own], size) for take in takes]
    sights = np.zeros(count, SIGHT_ROW)
    looks = np.zeros(count, LOOK_ROW)
    panels, blobs, taps, tones, lampr = [], [], [], [], []
    lights, skies, casters, airs, shots = [], [], [], [], []
    rounds = {}
    slots, cast_looks, known = [], [], {}
    glosses = {}
    bells = np.zeros((count, 32), np.float32)
    n_p = n_b = n_l = n_li = n_a = n_s = n_c = 0
    capacity = 1 << max(count - 1, 0).bit_length()
    for k, (take, seen) in enumerate(zip(takes, frames)):
        s, place, sensor = sights[k], take.view.place, take.view.sensor
        s["position"], s["right"], s["up"], s["forward"] = seen.eye, seen.right, seen.up, seen.forward
        s["window"], s["distortion"] = seen.window, seen.distortion
        h, w = max(round(size[0] * sensor.scale), 8), max(round(size[1] * sensor.scale), 8)
        s["height"], s["width"], s["pixel"] = h, w, seen.window[2] / w
        s["pose"] = pose_of[k]
        shown = visible(place, seen)
        rows = panel_rows(shown, seen)
        s["first_panel"], s["end_panel"], s["fronts"] = n_p, n_p + len(rows), int(shown.front.sum())
        n_p += len(rows)
        panels.append(rows)
        near = place.blobs[shading(place.blobs, seen)]
        body = body_blobs(take.posed.positions[:: max(len(take.posed.positions) // 800, 1)])
        s["first_blob"], s["end_body"], s["end_blob"] = n_b, n_b + len(body), n_b + len(body) + len(near)
        n_b += len(body) + len(near)
        blobs += [body, near.astype(np.float32)]
        taps.append(spiral(0.22 / seen.distance / (2 * seen.window[3]) * size[0]))
        tones.append(tone_curve(sensor))
        softness, _ = softened(sensor, size[0])
        s["softness"] = softness
        slot = k + capacity if (h, w) != size or softness != 0.0 else k
        for r, (what, tap) in enumerate(blurs(sensor, size[0])):
            rows_, taps_ = rounds.setdefault(r, ([], []))
            target = k + capacity if slot == k else k
            first = sum(map(len, taps_))
            taps_.append(tap)
            rows_.append((slot, target, what, first, first + len(tap)))
            slot = target
        s["slot"] = slot
        s["mosaic"], s["mosaic_down"], s["mosaic_right"] = sensor.mosaic, sensor.grid_down % 2, sensor.grid_right % 2
        if sensor.colour_blur > 0:
            b = bell(sensor.colour_blur * size[0] / 128)
            bells[k, : len(b)] = b
            s["bell"] = len(b)
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

    def cat(parts, empty):
        return np.concatenate([*parts, empty]) if not len(parts) else np.concatenate(parts)

    return Stage(
        frames, positions, normals, sights,
        np.concatenate([looks, np.array(cast_looks, LOOK_ROW)]) if cast_looks else looks,
        np.array(slots, np.int32), np.concatenate(panels),
        [(np.array(r, BLUR_ROW), np.concatenate(t)) for r, t in rounds.values()], bells,
        np.concatenate(blobs), np.stack(taps), np.stack(tones), cat(lampr, np.zeros((0, 4), np.float32)),
        np.array(lights, KEY_LIGHT_ROW), np.array(skies, np.float32).reshape(-1, 9, 3),
        np.stack([mirrored_sky(i) for i in glosses]) if glosses else np.zeros((0, 1, 3), np.float32),
        cat(casters, NO_CASTERS), cat(airs, np.zeros(0, AIR_ROW)), cat(shots, np.zeros(0, EXPOSED_ROW)),
    )
