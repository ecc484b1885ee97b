"""What can be seen of a person: every surface from all sides, and the labels that follow from that.

Labels say what is rendered, not what was asked for: colors are those of the visible albedo, and what other things
cover is ``hidden``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.arrays import Floating
from closerlook.compute.kernels import start_warp
from closerlook.synthesis.humans.clothing.palette import cloth_name, hair_name
from closerlook.synthesis.humans.mesh.mesh import Person
from closerlook.synthesis.humans.pose.pose import Pose, pose_person

# Warp types kernels, not Python:
# mypy: disable-error-code="no-untyped-def, no-untyped-call, valid-type, untyped-decorator"

__all__ = ["VisiblePixels", "visible_labels", "visible_pixels"]

SIDES = 6
PIXEL = 0.014  # meters
LEAST = 0.004  # of a person's visible surface; less is not seen
EMPTY = 2**62


wp.set_module_options({"enable_backward": False, "optimization_level": 3})


@dataclass(frozen=True)
class VisiblePixels:
    """The visible pixels of a standing person, one after the other, from all sides.

    Attributes:
        material: (n,) index of the material.
        color: (n, 3) sRGB albedo, 0 to 1.
        height: (n,) meters above the ground.
    """

    material: NDArray[np.int32] = field(repr=False)
    color: Floating = field(repr=False)
    height: Floating = field(repr=False)


def visible_pixels(person: Person) -> VisiblePixels:
    """The pixels of a person who stands upright, from ``SIDES`` sides around, from far away."""
    start_warp()
    posed = pose_person(person, Pose(lean=0.0))
    solid = np.array([not material.two_sided for material in person.materials])[person.materials_of]
    sides = [_side(person, posed.positions, solid, 2 * np.pi * k / SIDES) for k in range(SIDES)]
    return VisiblePixels(*(np.concatenate(values) for values in zip(*sides, strict=True)))


def _side(
    person: Person, positions: Floating, solid: NDArray[np.bool_], angle: float
) -> tuple[NDArray[np.int32], Floating, Floating]:
    """Material, color and height of what is seen from one side."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = positions.T
    across, depth = c * x - s * z, -s * x - c * z
    screen = np.stack([across / PIXEL, y / PIXEL, depth], 1).astype(np.float32)
    screen -= screen.min(0)
    width, height = (int(value) + 2 for value in screen[:, :2].max(0))
    keys = np.full((height, width), EMPTY, np.int64)
    arrays = [
        wp.array(np.ascontiguousarray(values), dtype=dtype, device="cpu", copy=False)
        for values, dtype in (
            (screen, wp.vec3),
            (person.triangles, wp.vec3i),
            (solid.astype(np.int32), wp.int32),
            (keys, wp.int64),
        )
    ]
    wp.launch(_nearest, dim=len(person.triangles), inputs=arrays, device="cpu")
    row, column = np.nonzero(keys != EMPTY)
    triangle = keys[row, column] & 0xFFFFF
    material, color, opaque = _albedo(person, screen, triangle, np.stack([column, row], 1) + 0.5)
    return material[opaque], color[opaque], (row[opaque] + 0.5) * PIXEL


def _albedo(
    person: Person, screen: Floating, triangle: NDArray[np.int64], pixel: Floating
) -> tuple[NDArray[np.int32], Floating, NDArray[np.bool_]]:
    corners = person.triangles[triangle]
    a, b, c = (screen[corners[:, k], :2] for k in range(3))
    across, up, to = b - a, c - a, pixel - a
    area = across[:, 0] * up[:, 1] - across[:, 1] * up[:, 0]
    second = (to[:, 0] * up[:, 1] - to[:, 1] * up[:, 0]) / area
    third = (across[:, 0] * to[:, 1] - across[:, 1] * to[:, 0]) / area
    shares = np.stack([1 - second - third, second, third], 1)
    uv = (shares[..., None] * person.uv[corners]).sum(1)
    material = person.materials_of[triangle]
    texel = np.empty((len(material), 4), np.uint8)
    for number, surface in enumerate(person.materials):
        at = material == number
        side = len(surface.texture)
        u, v = (np.floor(uv[at] * side).astype(np.int64) % side).T
        texel[at] = surface.texture[v, u]
    holes = np.array([surface.cutout for surface in person.materials])[material]
    return material, texel[:, :3] / 255, ~holes | (texel[:, 3] > 127)


@wp.kernel
def _nearest(
    screen: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.vec3i),
    solid: wp.array(dtype=wp.int32),
    keys: wp.array2d(dtype=wp.int64),
):
    i = wp.tid()
    a = screen[triangles[i][0]]
    b = screen[triangles[i][1]]
    c = screen[triangles[i][2]]
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if wp.abs(area) > 1.0e-6 and (area > 0.0 or solid[i] == 0):
        left = int(wp.min(a[0], wp.min(b[0], c[0])))
        right = int(wp.max(a[0], wp.max(b[0], c[0])))
        low = int(wp.min(a[1], wp.min(b[1], c[1])))
        high = int(wp.max(a[1], wp.max(b[1], c[1])))
        for y in range(low, high + 1):
            for x in range(left, right + 1):
                px = float(x) + 0.5
                py = float(y) + 0.5
                w1 = ((px - a[0]) * (c[1] - a[1]) - (py - a[1]) * (c[0] - a[0])) / area
                w2 = ((b[0] - a[0]) * (py - a[1]) - (b[1] - a[1]) * (px - a[0])) / area
                w0 = 1.0 - w1 - w2
                if w0 >= 0.0 and w1 >= 0.0 and w2 >= 0.0:
                    depth = w0 * a[2] + w1 * b[2] + w2 * c[2]
                    key = (wp.int64(depth * 1.0e6) << wp.int64(20)) | wp.int64(i)
                    wp.atomic_min(keys, y, x, key)


def visible_labels(person: Person, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of a person, with colors as they are seen and ``hidden`` for what is not."""
    visible = visible_pixels(person)
    names = [material.name for material in person.materials]

    def pixels(*wanted: str) -> NDArray[np.bool_]:
        shown = np.isin(visible.material, [number for number, name in enumerate(names) if name in wanted])
        return shown if shown.sum() >= LEAST * len(shown) else np.zeros_like(shown)

    def color(name: str, choose: Sequence[str]) -> dict[str, str]:
        shown = pixels(*choose)
        return {name: cloth_name(visible.color[shown]) if shown.any() else "hidden"}

    made = dict(labels)
    made |= color("upper_color", ["outer" if "outer" in names else "upper"])
    made |= color("lower_color", ["lower" if "lower" in names else "upper"])
    made |= color("shoe_color", ["shoes"])
    if made["shoe_color"] == "hidden":
        made["shoe_type"] = "hidden"
    for thing in ("hat", "bag"):
        worn = made[thing] not in ("none", "hood")
        made |= color(f"{thing}_color", [thing, made[thing]]) if worn else {f"{thing}_color": "none"}
    if made["hat"] == "hood":
        made["hat_color"] = made["upper_color"]
    hair = pixels("hair")
    covered = made["hat"] != "none" and not hair.any()
    made["hair_length"] = _hair_length(person, visible.height[hair]) if not covered else "hidden"
    if covered:
        made |= {"hair_style": "hidden", "hair_color": "hidden"}
    elif hair.any():
        made["hair_color"] = hair_name(visible.color[hair])
    if made.get("mask", "none") != "none" and made["beard"] != "none":
        made["beard"] = "hidden"
    return made


def _hair_length(person: Person, heights: Floating) -> str:
    """``bald``, ``short``, ``medium`` (covers the neck) or ``long`` (reaches below the shoulders)."""
    if not len(heights):
        return "bald"
    joints = dict(zip(person.skeleton.names, person.skeleton.heads[:, 1], strict=True))
    low = float(np.quantile(heights, 0.03))
    shoulders = (joints["upperarm01.L"] + joints["upperarm01.R"]) / 2
    chin = joints["head"] - 0.5 * (joints["head"] - joints["neck01"])
    return "long" if low < shoulders else "medium" if low < chin else "short"
