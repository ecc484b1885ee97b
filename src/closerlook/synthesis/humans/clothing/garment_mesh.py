"""Cutting garments out of the second skin: offset it, cut it exactly along hems, turn edges in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.synthesis.humans.clothing.collar import add_collar
from closerlook.synthesis.humans.clothing.drape import hang, hang_offset
from closerlook.synthesis.humans.clothing.mannequin import Mannequin
from closerlook.synthesis.humans.mesh.sheet import Sheet

__all__ = ["GAP", "Cut", "Garment", "build_garment", "hem_height", "layer_offset"]


HEM_PLACES = (-1.0, 0.0, 1.0, 2.0)  # waist, crotch, knee, ankle
ABOVE_CROTCH = 0.035  # meters; where one loop around the hips becomes two around the legs
GAP = 0.004  # meters between layers
HEM_DEPTH = 0.008  # meters that an edge is turned in


@dataclass(frozen=True)
class Cut:
    """The pattern of a garment. Lengths in meters unless said otherwise.

    Attributes:
        legs: it has trouser legs.
        top: ``crew``, ``v``, ``scoop``, ``high`` (necklines) or ``waist`` (hangs from the waist).
        hem: where it ends: -1 waist, 0 crotch, 1 knee, 2 ankle, and between.
        sleeve: where sleeves end: 0 none, 0.5 elbow, 1 wrist; unused below the waist.
        ease: how far it stands off at chest or hips.
        hem_ease: the same at the hem.
        sleeve_ease: the same at the end of the sleeves.
        hang: 0 follows the body, 1 falls straight down from the widest place above.
        flare: meters of radius that a hanging part gains per meter of length.
        opening: half the width of an open front; 0 is closed.
        collar: ``shirt`` (turned down), ``hood`` (lying on the back) or nothing.
    """

    top: str
    hem: float
    legs: bool = False
    sleeve: float = 0.0
    ease: float = 0.012
    hem_ease: float = 0.015
    sleeve_ease: float = 0.012
    hang: float = 0.3
    flare: float = 0.08
    opening: float = 0.0
    collar: str = ""


@dataclass(frozen=True)
class Garment:
    """A cut garment.

    Attributes:
        sheet: its surface, with the values of the mannequin's sheet.
        offset: (t, 2) how far it stands off the mannequin at each vertex of the tights, along the normal and away from
            the trunk's axis.
        covers: (t,) how far inside its edges each vertex of the tights lies, meters; negative outside.
        bottom: height of the hem.
        cut: its pattern.
    """

    sheet: Sheet = field(repr=False)
    offset: Floating = field(repr=False)
    covers: Floating = field(repr=False)
    bottom: float
    cut: Cut


def build_garment(form: Mannequin, cut: Cut, under: Floating | None = None) -> Garment:
    """Make a garment that clears the mannequin and, where given, the layer ``under`` it (its ``offset``)."""
    offset = layer_offset(form, cut) if under is None else _clear(layer_offset(form, cut), under)
    sheet = form.sheet
    along = _level_off(form) if cut.legs else sheet.values["normal"]
    moved = np.asarray(sheet.position + offset[:, :1] * along + offset[:, 1:] * form.outwards, np.float32)
    if cut.legs:
        _keep_legs_apart(moved, form)
    bottom = hem_height(form, cut)
    hangs = not cut.legs and bottom < form.landmarks.crotch + ABOVE_CROTCH
    lowest = form.landmarks.crotch + ABOVE_CROTCH if hangs else bottom
    levels = [_top_level(form, cut, moved), _sleeve_level(form, cut), _hem_level(form, cut, moved, lowest)]
    covers = np.minimum.reduce([*levels[:2], _hem_level(form, cut, moved, bottom)])
    names = ("level_top", "level_sleeve", "level_hem")
    piece = sheet.with_values(position=moved, **dict(zip(names, levels, strict=True)))
    for name in names:
        piece = piece.clip(piece.values[name])
    if cut.sleeve:
        piece = piece.divide(piece.values["armhole"])
    if hangs:
        piece = hang(piece, form, cut.flare, lowest, bottom)
    if cut.collar:
        piece = add_collar(piece, form.body.head("neck01"), cut.collar, form.body.shape.stature / 1.72)
    if cut.opening:
        piece, covers = _open_front(piece, form, cut, covers)
    return Garment(piece.turn_in(HEM_DEPTH), offset, covers.astype(np.float32), bottom, cut)


def _clear(offset: Floating, under: Floating) -> Floating:
    """At least a gap beyond the layer below."""
    return np.asarray(np.maximum(offset, under + np.array([GAP, 0], np.float32)), np.float32)


def hem_height(form: Mannequin, cut: Cut) -> float:
    """The height of a garment's hem above the ground."""
    marks = form.landmarks
    return float(np.interp(cut.hem, HEM_PLACES, (marks.waist, marks.crotch, marks.knee, marks.ankle)))


def layer_offset(form: Mannequin, cut: Cut) -> Floating:
    """(t, 2) how far the garment stands off the mannequin, along its normals and away from the trunk's axis, meters."""
    marks, values = form.landmarks, form.sheet.values
    height = form.sheet.position[:, 1]
    arm = np.clip(values["arm"] * 1.5, 0, 1)
    bottom = hem_height(form, cut)
    if cut.legs:
        trunk = np.interp(height, [bottom, marks.crotch, marks.waist], [cut.hem_ease, cut.ease, 0.5 * cut.ease])
        above = np.clip((height - marks.crotch - 0.02) / 0.06, 0, 1)
        hanging = 0.7 * above * hang_offset(form, marks.crotch, 0.0)
    else:
        low = min(bottom, marks.waist - 0.05)
        places = [low, marks.waist, marks.armpit, marks.shoulder + 0.02, marks.neck]
        shoulder = max(0.35 * cut.ease, 0.007)
        trunk = np.interp(height, places, [cut.hem_ease, cut.ease, cut.ease, shoulder, shoulder])
        hanging = hang_offset(form, marks.crotch, cut.hang)
    sleeve = np.interp(
        values["along"], [0.0, 0.25, 1.0], [max(0.4 * cut.ease, 0.008), 0.8 * cut.sleeve_ease, cut.sleeve_ease]
    )
    along_normal = np.maximum(GAP, trunk * (1 - arm) + sleeve * arm)
    return np.stack([along_normal, hanging], axis=1).astype(np.float32)


def _level_off(form: Mannequin) -> Floating:
    """The normals, turned horizontal towards the ankles, where they would lift hems over the feet."""
    marks, position = form.landmarks, form.sheet.position
    share = np.clip((marks.knee - position[:, 1]) / (0.7 * (marks.knee - marks.ankle)), 0, 1)[:, None]
    away = np.zeros_like(position)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        leg = sign * position[:, 0] > 0
        away[leg] = (position - form.limb_axis("leg", side, position[:, 1]))[leg]
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    mixed = form.sheet.values["normal"] * (1 - share) + away * share
    return np.asarray(mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-6), np.float32)


def _keep_legs_apart(position: NDArray[np.float32], form: Mannequin) -> None:
    """Wide trouser legs touch at the middle but do not cross it."""
    below = position[:, 1] < form.landmarks.crotch
    side = np.sign(form.sheet.position[:, 0])
    position[below, 0] = (side * np.maximum(side * position[:, 0], 0.003))[below]


def _top_level(form: Mannequin, cut: Cut, position: Floating) -> Floating:
    """Positive below the neckline or waistband."""
    x, y, z = position.T
    marks = form.landmarks
    if cut.top == "waist":
        level = marks.waist - 0.015 - y
        return np.where(form.sheet.values["arm"] > 0.3, -1.0, level).astype(np.float32)
    size = form.body.shape.stature / 1.7
    raised = {"crew": -0.012, "v": -0.005, "scoop": -0.02, "high": 0.05}[cut.top] * size
    steep = {"scoop": 0.75}.get(cut.top, 0.55)
    depth = z - form.body.head("neck01")[2]
    level = marks.neck + raised + 0.02 * size - steep * depth - y
    if cut.top == "v":
        notch = 0.12 * size * np.clip(1 - np.abs(x) / (0.075 * size), 0, 1)
        level = np.where(depth > 0, level - notch, level)
    return np.asarray(level, np.float32)


def _sleeve_level(form: Mannequin, cut: Cut) -> Floating:
    """Positive above the end of the sleeves (in meters along the arm), or off the arms where there are none."""
    values = form.sheet.values
    if cut.top == "waist":
        return np.ones(len(form.sheet), np.float32)
    if cut.sleeve <= 0:
        return np.asarray(values["armhole"] - (0.025 if cut.top == "scoop" else 0.0), np.float32)
    length = 0.55 * form.body.shape.stature / 1.7
    return np.asarray(np.where(values["arm"] > 0.02, (cut.sleeve - values["along"]) * length, 1.0), np.float32)


def _hem_level(form: Mannequin, cut: Cut, position: Floating, bottom: float) -> Floating:
    """Positive above the hem; sleeves hang lower than many hems and are exempt."""
    level = position[:, 1] - bottom
    if cut.top == "waist":
        return np.asarray(level, np.float32)
    return np.asarray(level + 2.0 * np.clip(form.sheet.values["arm"] * 3 - 0.2, 0, 1), np.float32)


def _open_front(piece: Sheet, form: Mannequin, cut: Cut, covers: Floating) -> tuple[Sheet, Floating]:
    """Cut the front open; it gapes wider further down."""

    def level(position: Floating) -> Floating:
        x, y, z = position.T
        width = cut.opening * np.clip(1 + (form.landmarks.armpit - y) * 0.8, 0.4, 2.0)
        return np.where(z > form.center_z + 0.02, np.abs(x) - width, 1.0).astype(np.float32)

    return piece.clip(level(piece.position)), np.minimum(covers, level(form.sheet.position))
