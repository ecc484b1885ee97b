"""Cutting garments out of the second skin: offset it, cut it exactly along hems, hang skirts from it, turn edges in."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from closerlook.synthesis.person.fabric import TRUNK_SHARE, WRAP
from closerlook.synthesis.person.mannequin import Mannequin, bone_column
from closerlook.synthesis.person.sheet import Sheet, boundary_edges, loops, vertex_normals

__all__ = ["Cut", "Garment", "layer_offset", "tailor", "unwrap"]

Float = NDArray[np.floating]

HEM_PLACES = (-1.0, 0.0, 1.0, 2.0)  # waist, crotch, knee, ankle
ABOVE_CROTCH = 0.035  # metres; where one loop around the hips becomes two around the legs
GAP = 0.004  # metres between layers


@dataclass(frozen=True)
class Cut:
    """The pattern of a garment. Lengths in metres unless said otherwise.

    Attributes:
        legs: it has trouser legs.
        top: ``crew``, ``v``, ``scoop``, ``high`` (necklines) or ``waist`` (hangs from the waist).
        hem: where it ends: -1 waist, 0 crotch, 1 knee, 2 ankle, and between.
        sleeve: where sleeves end: 0 none, 0.5 elbow, 1 wrist; unused below the waist.
        ease: how far it stands off at chest or hips.
        hem_ease: the same at the hem.
        sleeve_ease: the same at the end of the sleeves.
        hang: 0 follows the body, 1 falls straight down from the widest place above.
        flare: metres of radius that a hanging part gains per metre of length.
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
        covers: (t,) how far inside its edges each vertex of the tights lies, metres; negative outside.
        bottom: height of the hem.
        cut: its pattern.
    """

    sheet: Sheet = field(repr=False)
    offset: Float = field(repr=False)
    covers: Float = field(repr=False)
    bottom: float
    cut: Cut


def tailor(form: Mannequin, cut: Cut, under: Float | None = None) -> Garment:
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
        piece = _hang(piece, form, cut, lowest, bottom)
    if cut.collar:
        piece = _add_collar(piece, form, cut)
    if cut.opening:
        piece, covers = _open_front(piece, form, cut, covers)
    return Garment(_turn_in_edges(piece), offset, covers.astype(np.float32), bottom, cut)


def _clear(offset: Float, under: Float) -> Float:
    """At least a gap beyond the layer below."""
    return np.asarray(np.maximum(offset, under + np.array([GAP, 0], np.float32)), np.float32)


def hem_height(form: Mannequin, cut: Cut) -> float:
    """The height of a garment's hem above the ground."""
    marks = form.landmarks
    return float(np.interp(cut.hem, HEM_PLACES, (marks.waist, marks.crotch, marks.knee, marks.ankle)))


def layer_offset(form: Mannequin, cut: Cut) -> Float:
    """(t, 2) how far the garment stands off the mannequin, along its normals and away from the trunk's axis, metres."""
    marks, values = form.landmarks, form.sheet.values
    height = form.sheet.position[:, 1]
    arm = np.clip(values["arm"] * 1.5, 0, 1)
    bottom = hem_height(form, cut)
    if cut.legs:
        trunk = np.interp(height, [bottom, marks.crotch, marks.waist], [cut.hem_ease, cut.ease, 0.5 * cut.ease])
        above = np.clip((height - marks.crotch - 0.02) / 0.06, 0, 1)
        hanging = 0.7 * above * _hang_offset(form, marks.crotch, 0.0)
    else:
        low = min(bottom, marks.waist - 0.05)
        places = [low, marks.waist, marks.armpit, marks.shoulder + 0.02, marks.neck]
        shoulder = max(0.35 * cut.ease, 0.007)
        trunk = np.interp(height, places, [cut.hem_ease, cut.ease, cut.ease, shoulder, shoulder])
        hanging = _hang_offset(form, marks.crotch, cut.hang)
    sleeve = np.interp(
        values["along"], [0.0, 0.25, 1.0], [max(0.4 * cut.ease, 0.008), 0.8 * cut.sleeve_ease, cut.sleeve_ease]
    )
    along_normal = np.maximum(GAP, trunk * (1 - arm) + sleeve * arm)
    return np.stack([along_normal, hanging], axis=1).astype(np.float32)


def _hang_offset(form: Mannequin, lowest: float, hang: float) -> Float:
    """How far each vertex of the trunk is from cloth around it, metres.

    Cloth spans hollows (every level is convex) and, as far as ``hang`` goes, falls straight from the widest place
    above.
    """
    position = form.sheet.position
    x, z = position[:, 0], position[:, 2] - form.centre_z
    radius, bearing = np.hypot(x, z), np.arctan2(x, z)
    top, step = form.landmarks.armpit + 0.02, 0.03
    depth = (top - position[:, 1]) / step
    rows = int((top - lowest) / step) + 1
    trunk = (form.sheet.values["arm"] < 0.3) & (depth >= -1) & (position[:, 1] > lowest - 0.03)
    profile = np.zeros((rows, len(_SECTORS)))
    for row in range(rows):
        level = trunk & (np.abs(depth - row - 0.5) < 1.2)
        profile[row] = _hull_radius(radius[level], bearing[level], _SECTORS)
    profile = (1 - hang) * profile + hang * np.maximum.accumulate(profile, axis=0)
    row, column = np.clip(depth - 0.5, 0, rows - 1.001), (bearing / (2 * np.pi) + 0.5) * len(_SECTORS)
    around = _bilinear(profile, row, column)
    fade = np.clip((top - position[:, 1]) / 0.08, 0, 1)
    return np.asarray(np.clip(around - radius, 0, 0.1) * trunk * fade, np.float32)


_SECTORS = (np.arange(36) / 36 - 0.5) * 2 * np.pi


def _hull_radius(radius: Float, bearing: Float, directions: Float) -> Float:
    """The radius, in each direction, of the convex hull of points in polar coordinates around a point inside."""
    if not len(radius):
        return np.zeros(len(directions), np.float32)
    support = (radius[None] * np.cos(_SECTORS[:, None] - bearing[None])).max(1)
    facing = np.cos(np.asarray(directions)[:, None] - _SECTORS[None])
    return np.asarray(np.where(facing > 0.2, support / np.maximum(facing, 0.2), np.inf).min(1))


def _bilinear(grid: Float, row: Float, column: Float) -> Float:
    """Sample a grid whose columns wrap around."""
    r, c = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    fr, fc, width = row - r, column - c, grid.shape[1]
    below = np.minimum(r + 1, len(grid) - 1)
    left, right = c % width, (c + 1) % width
    upper = grid[r, left] * (1 - fc) + grid[r, right] * fc
    lower = grid[below, left] * (1 - fc) + grid[below, right] * fc
    return np.asarray(upper * (1 - fr) + lower * fr, np.float32)


def _level_off(form: Mannequin) -> Float:
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


def _top_level(form: Mannequin, cut: Cut, position: Float) -> Float:
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


def _sleeve_level(form: Mannequin, cut: Cut) -> Float:
    """Positive above the end of the sleeves (in metres along the arm), or off the arms where there are none."""
    values = form.sheet.values
    if cut.top == "waist":
        return np.ones(len(form.sheet), np.float32)
    if cut.sleeve <= 0:
        return np.asarray(values["armhole"] - (0.025 if cut.top == "scoop" else 0.0), np.float32)
    length = 0.55 * form.body.shape.stature / 1.7
    return np.asarray(np.where(values["arm"] > 0.02, (cut.sleeve - values["along"]) * length, 1.0), np.float32)


def _hem_level(form: Mannequin, cut: Cut, position: Float, bottom: float) -> Float:
    """Positive above the hem; sleeves hang lower than many hems and are exempt."""
    level = position[:, 1] - bottom
    if cut.top == "waist":
        return np.asarray(level, np.float32)
    return np.asarray(level + 2.0 * np.clip(form.sheet.values["arm"] * 3 - 0.2, 0, 1), np.float32)


def _hang(piece: Sheet, form: Mannequin, cut: Cut, start: float, bottom: float) -> Sheet:
    """Hang rings of cloth from the loop around the hips down to the hem, clear of the legs."""
    edges = boundary_edges(piece.triangles)
    y, arm = piece.position[:, 1], piece.values["arm"]
    edges = edges[(np.abs(y[edges] - start) < 2e-4).all(1) & (arm[edges] < 0.2).all(1)]
    loop = loops(edges)[0]
    count = max(2, int(np.ceil((start - bottom) / 0.045)))
    heights = np.linspace(start, bottom, count + 1)[1:]
    top = piece.position[loop]
    centre = np.array([0.0, top[:, 2].mean()], np.float32)
    out = top[:, [0, 2]] - centre
    radius = np.linalg.norm(out, axis=1)
    angle = np.arctan2(out[:, 0], out[:, 1])
    drop = (start - heights)[:, None]
    need = _legs_reach(form, centre, heights, angle) + np.minimum(0.02, 0.15 * drop)
    rings = np.maximum(radius + cut.flare * drop, need)
    rings = np.maximum.accumulate(rings, axis=0) if cut.flare >= 0 else rings
    folds = np.sin(angle * 9 + 3 * np.sin(angle * 2)) + 0.5 * np.sin(angle * 14 + 1.0)
    rings = rings + np.minimum(drop / 0.35, 1) * (0.006 + 0.05 * max(cut.flare, 0)) * folds
    position = np.stack(
        [
            centre[0] + rings * np.sin(angle),
            np.broadcast_to(heights[:, None], rings.shape),
            centre[1] + rings * np.cos(angle),
        ],
        axis=2,
    )
    n, base = len(loop), len(piece)
    row = np.concatenate([loop[None], base + np.arange(count * n).reshape(count, n)])
    following = np.roll(row, -1, axis=1)
    a, b, c, d = row[:-1], following[:-1], following[1:], row[1:]
    triangles = np.concatenate([np.stack([b, a, d], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    values = {}
    for name, value in piece.values.items():
        if name == "position":
            new = position.reshape(-1, 3)
        elif name == "weights":
            new = _hanging_weights(value[loop], form, position).reshape(-1, value.shape[1])
        else:
            new = np.concatenate([value[loop]] * count)
        values[name] = np.concatenate([value, new]).astype(np.float32)
    return Sheet(np.concatenate([piece.triangles, triangles]).astype(np.int32), values)


def _legs_reach(form: Mannequin, centre: Float, heights: Float, angle: Float) -> Float:
    """(k, n) how far the hull of both legs reaches from the axis near each height, in each direction."""
    legs = form.sheet.position[form.sheet.values["leg"] > 0.3]
    out = legs[:, [0, 2]] - centre
    reach, bearing = np.linalg.norm(out, axis=1), np.arctan2(out[:, 0], out[:, 1])
    near = np.abs(legs[None, :, 1] - heights[:, None]) < 0.03
    return np.stack([_hull_radius(reach[level], bearing[level], angle) for level in near])


def _hanging_weights(top: Float, form: Mannequin, position: Float) -> Float:
    """Cloth below the hips follows the leg on its side, the middle both; below the knee also the lower leg."""
    marks = form.landmarks
    x, y = position[..., 0], position[..., 1]
    half = np.abs(x).max(axis=1, keepdims=True)
    left = np.clip(0.5 + 0.75 * x / half, 0, 1)
    follow = np.clip((marks.crotch + ABOVE_CROTCH - y) / 0.25, 0, 1) * 0.85
    shin = np.clip((marks.knee - y) / 0.3, 0, 1) * 0.5
    weights = top[None] * (1 - follow[..., None])
    for side, share in (("L", left), ("R", 1 - left)):
        weights[..., bone_column(f"upperleg01.{side}")] += follow * share * (1 - shin)
        weights[..., bone_column(f"lowerleg01.{side}")] += follow * share * shin
    return np.asarray(weights, np.float32)


def _open_front(piece: Sheet, form: Mannequin, cut: Cut, covers: Float) -> tuple[Sheet, Float]:
    """Cut the front open; it gapes wider further down."""

    def level(position: Float) -> Float:
        x, y, z = position.T
        width = cut.opening * np.clip(1 + (form.landmarks.armpit - y) * 0.8, 0.4, 2.0)
        return np.where(z > form.centre_z + 0.02, np.abs(x) - width, 1.0).astype(np.float32)

    return piece.clip(level(piece.position)), np.minimum(covers, level(form.sheet.position))


# Rows of a collar: outwards and upwards from the neckline, metres.
_COLLARS = {
    "shirt": ((-0.002, 0.022), (0.004, 0.028), (0.018, 0.004), (0.021, -0.006)),
    "hood": ((0.004, 0.03), (0.045, 0.045), (0.085, 0.0), (0.085, -0.06), (0.045, -0.105), (0.012, -0.10)),
}


def _add_collar(piece: Sheet, form: Mannequin, cut: Cut) -> Sheet:
    """Grow a collar or a hood from the neckline: a strip around the neck, its rows following a profile."""
    neck = form.body.head("neck01")
    rim = np.unique(boundary_edges(piece.triangles))
    rim = rim[np.abs(piece.values["level_top"][rim]) < 1e-4]
    out = piece.position[rim] - neck
    bearing = np.arctan2(out[:, 0], out[:, 2])
    order = np.argsort(bearing)
    rim, bearing = rim[order], bearing[order]
    if cut.collar == "hood":  # from the back of one ear around to the other
        order = np.argsort(bearing % (2 * np.pi))
        rim, bearing = rim[order], (bearing % (2 * np.pi))[order]
        kept = np.abs(bearing - np.pi) < np.radians(115)
        rim, bearing = rim[kept], bearing[kept]
        strength = np.clip((np.radians(115) - np.abs(bearing - np.pi)) / np.radians(60), 0.12, 1)
    else:
        strength = np.ones(len(rim))
    size = form.body.shape.stature / 1.72
    point = np.exp(-((bearing / np.radians(28)) ** 2)) if cut.collar == "shirt" else np.zeros(len(rim))
    rows = []
    for k, (away, up) in enumerate(_COLLARS[cut.collar]):
        move = np.stack([np.sin(bearing) * away, 0 * bearing + up, np.cos(bearing) * away], axis=1)
        move[:, 1] -= 0.022 * point * (k >= 2)
        rows.append(piece.position[rim] + size * move * strength[:, None])
    columns, count, base = len(rim), len(rows), len(piece)
    grid = np.concatenate([rim[None], base + np.arange(count * columns).reshape(count, columns)])
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    triangles = np.concatenate([np.stack([a, b, d], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    values = {
        name: np.concatenate([value, *([value[rim]] * count)]).astype(np.float32)
        for name, value in piece.values.items()
    }
    values["position"][base:] = np.concatenate(rows)
    return Sheet(np.concatenate([piece.triangles, triangles]).astype(np.int32), values)


def _turn_in_edges(piece: Sheet) -> Sheet:
    """Fold every open edge inwards, so that cloth has a thickness at its hems."""
    edges = boundary_edges(piece.triangles)
    normals = vertex_normals(piece.position, piece.triangles)
    rim, renumbered = np.unique(edges, return_inverse=True)
    start, end = len(piece) + renumbered.reshape(-1, 2).T
    lip = np.concatenate([np.stack([edges[:, 0], start, end], 1), np.stack([edges[:, 0], end, edges[:, 1]], 1)])
    values = {name: np.concatenate([value, value[rim]]) for name, value in piece.values.items()}
    values["position"][len(piece) :] -= 0.008 * normals[rim]
    return Sheet(np.concatenate([piece.triangles, lip]).astype(np.int32), values)


def unwrap(garment: Garment, form: Mannequin) -> tuple[Sheet, Float]:
    """Texture coordinates around and along trunk, sleeves and legs; vertices are split at seams.

    Returns the split sheet, with the value ``smooth`` naming each vertex before splitting, and (n, 2) coordinates.
    """
    sheet, cut = garment.sheet, garment.cut
    position = sheet.position
    x, y, z = position.T
    corners = sheet.triangles
    sleeve = (sheet.values["armhole"][corners].mean(1) < 0) & (cut.top != "waist")
    side = np.where(x[corners].mean(1) > 0, 1.0, -1.0)
    around = np.zeros(corners.shape, np.float64)
    top = y.max()
    trunk_share = 1.0 if cut.top == "waist" else TRUNK_SHARE
    down = (top - y) / (top - garment.bottom) * trunk_share
    for name, sign in (("L", 1.0), ("R", -1.0)):
        for limb, faces in (("arm", sleeve), ("leg", ~sleeve & cut.legs)):
            chosen = faces & (side == sign)
            axis = form.limb_axis(limb, name, y)
            bearing = np.arctan2(z - axis[:, 2], sign * (x - axis[:, 0]))
            around[chosen] = bearing[corners[chosen]]
    trunk = ~sleeve & (not cut.legs)
    around[trunk] = np.arctan2(x, z - form.centre_z)[corners[trunk]]
    middle = np.arctan2(np.sin(around).mean(1), np.cos(around).mean(1))[:, None]
    around = middle + (around - middle + np.pi) % (2 * np.pi) - np.pi
    u = 0.5 + around / (2 * np.pi) * WRAP
    lengthwise = trunk_share + sheet.values["along"] / max(cut.sleeve, 0.1) * (1 - trunk_share)
    v = np.where(sleeve[:, None], np.clip(lengthwise, trunk_share, 1)[corners], np.clip(down, 0, 1)[corners])
    key = np.stack([corners.ravel(), np.round(u.ravel() * 8192), np.round(v.ravel() * 8192)], 1).astype(np.int64)
    code = (key[:, 0] << 32) + ((key[:, 1] + 8192) << 15) + key[:, 2]
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    source = corners.ravel()[first]
    values = {name: value[source] for name, value in sheet.values.items()}
    values["smooth"] = source.astype(np.float32)
    uv = np.stack([u.ravel()[first], v.ravel()[first]], 1).astype(np.float32)
    return Sheet(inverse.reshape(-1, 3).astype(np.int32), values), np.clip(uv, 0, 1)
