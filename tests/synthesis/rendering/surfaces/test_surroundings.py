"""The place's layer against rays traced one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import warp as wp
from numpy.typing import NDArray

from closerlook.synthesis.rendering.surfaces import planes as planes_of, rasterize, surroundings
from closerlook.synthesis.rendering.surfaces.textures import mip_chain
from closerlook.synthesis.rendering.values import PANEL_ROW, VIEW_PARAMETERS_ROW, Panel, ViewParameters, texel
from closerlook.synthesis.scenes.backdrop import MAX_PANELS

Rows = NDArray[Any]

SIZE = (40, 24)  # pixels
SIDE = 16  # texels
RUN = 7  # no divisor of the width


def texture() -> NDArray[np.uint8]:
    """A mip chain whose left half is a hole."""
    made = np.full((SIDE, SIDE, 4), 255, np.uint8)
    made[:, : SIDE // 2, 3] = 0
    return mip_chain(made)


def a_view(rng: np.random.Generator, distortion: float) -> Rows:
    """A camera that looks down a little, somewhere near (0, 2, 6), towards -z."""
    row = np.zeros((), VIEW_PARAMETERS_ROW)
    down, aside = rng.uniform(0.02, 0.3), rng.uniform(-0.3, 0.3)
    forward = np.array([np.sin(aside) * np.cos(down), -np.sin(down), -np.cos(aside) * np.cos(down)])
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    row["position"] = rng.uniform([-1.0, 1.0, 5.0], [1.0, 3.0, 7.0])
    row["right"], row["up"], row["forward"] = right, np.cross(right, forward), forward
    row["window"], row["distortion"] = (0.02, -0.03, 0.18, 0.3), distortion
    row["height"], row["width"] = SIZE[0] - rng.integers(0, 5), SIZE[1] - rng.integers(0, 5)
    row["pixel"] = row["window"][2] / row["width"]
    return row


def panels(rng: np.random.Generator, count: int) -> Rows:
    """The ground, two strips that lie on it one on the other, and things that stand about, a third of them cut out."""
    rows = np.zeros(count, PANEL_ROW)
    turn = rng.uniform(0.0, 2.0 * np.pi, count)
    turn[1:3] = 0.1
    along = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], 1)
    width, height = rng.uniform(0.5, 6.0, count), rng.uniform(0.5, 3.0, count)
    width[1:3], height[1:3] = 4.0, 5.0
    flat = np.arange(count) < 3
    upward = np.where(flat[:, None], np.cross(along, [0.0, 1.0, 0.0]), [0.0, 1.0, 0.0])
    rows["corner"] = rng.uniform([-4.0, 0.0, -12.0], [3.0, 0.3, 2.0], (count, 3))
    rows["corner"][0], rows["corner"][1:3] = 0.0, [[-2.0, 0.02, -3.0], [-3.0, 0.02, -2.0]]
    rows["along"], rows["upward"] = along / width[:, None], upward / height[:, None]
    rows["normal"] = np.cross(along, upward)
    rows["near"], rows["tint"], rows["repeat"], rows["log2_side"] = 0.1, 0.5, 1.0, SIDE.bit_length() - 1
    rows["roughness"] = np.arange(count) / 100
    rows["texels"] = SIDE / width
    rows["cutout"] = (np.arange(count) % 3 == 0) & ~flat
    return rows


def plane_points(view: Rows, x: Rows, y: Rows) -> Rows:
    """(..., 3) rays of unit depth through points in samples."""
    center_x, center_y, half_x, half_y = view["window"].astype(float)
    a, b = center_x + half_x * (x / view["width"] - 1.0), center_y + half_y * (1.0 - y / view["height"])
    lens = 1.0 + view["distortion"] * (a * a + b * b)
    axes = [view[name].astype(float) for name in ("right", "up", "forward")]
    return (a * lens)[..., None] * axes[0] + (b * lens)[..., None] * axes[1] + axes[2]


def traced(view: Rows, things: Rows, rays: Rows) -> tuple[Rows, Rows]:
    """The nearest panel of each ray, -1 for the sky, and its depth."""
    nearest, depth = np.full(rays.shape[:-1], -1), np.full(rays.shape[:-1], np.inf)
    for j, thing in enumerate(things):
        corner, along, upward, normal = (thing[n].astype(float) for n in ("corner", "along", "upward", "normal"))
        d = (corner - view["position"]) @ normal / (rays @ normal)
        at = view["position"] + rays * d[..., None] - corner
        u, v = at @ along, at @ upward
        inside = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1) & ((u >= 0.5) | (thing["cutout"] == 0))
        # Of things in one plane the first is on top
        hit = (d > thing["near"]) & (d < depth * (1.0 - 1e-9)) & (inside | (j == 0))
        nearest[hit], depth[hit] = j, d[hit]
    return nearest, depth


def layer(views: Rows, things: list[Rows], key: NDArray[np.int64]) -> list[Rows]:
    """Color, facing and where of the place in views of these panels each."""
    views = views.copy()
    ends = np.cumsum([0, *(len(rows) for rows in things)])
    views["first_panel"], views["end_panel"] = ends[:-1], ends[1:]
    count, (height, width) = len(views), SIZE
    views, rows = wp.array(views, dtype=ViewParameters), wp.array(np.concatenate(things), dtype=Panel)
    planes = wp.empty(rows.shape, dtype=planes_of.Plane)
    tiles = wp.empty((count, -(-height // 8), -(-width // 8), MAX_PANELS + 1), dtype=wp.int32)
    surfaces = [wp.full((count, 2, height, width), wp.vec4(9.0), dtype=wp.vec4) for _ in range(3)]
    wp.launch(planes_of.aim, (count, MAX_PANELS), [views, rows, planes])
    wp.launch(planes_of.sort, (count, *tiles.shape[1:3]), [views, planes, tiles])
    inputs = [wp.array(key, dtype=wp.int64), views, planes, tiles, wp.array(texture(), dtype=texel), *surfaces, RUN]
    wp.launch(surroundings.surround, (count, height, -(-width // RUN)), inputs)
    return [surface.numpy()[:, 1] for surface in surfaces]


def keys(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Samples of which some show the person."""
    key = np.full((count, 2 * SIZE[0], 2 * SIZE[1]), rasterize.EMPTY.value, np.int64)
    key[:, 30:50, 10:31] = 5
    key[rng.random(key.shape) < 0.02] = 7
    return key


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("distortion", [0.0, 0.4])
def test_each_pixel_sees_what_rays_meet(seed: int, distortion: float) -> None:
    rng = np.random.default_rng(seed)
    view, things, key = a_view(rng, distortion), panels(rng, 3 + 2 * seed), keys(rng, 1)
    color, facing, where = (surface[0] for surface in layer(view[None], [things], key))
    height, width = int(view["height"]), int(view["width"])
    y, x = np.mgrid[: 2 * height, : 2 * width] + 0.5
    nearest, _ = traced(view, things, plane_points(view, x, y))
    open_samples = key[0, : 2 * height, : 2 * width] == rasterize.EMPTY.value

    def by_pixel(values: Rows) -> Rows:
        return values.reshape(height, 2, width, 2).swapaxes(1, 2).reshape(height, width, 4)

    shown, nearest = by_pixel(open_samples), by_pixel(nearest)
    np.testing.assert_allclose(color[:height, :width, 3], shown.mean(2), atol=1e-6)
    first = np.take_along_axis(nearest, shown.argmax(2)[..., None], 2)
    single = ((nearest == first) | ~shown).all(2) & shown.any(2)
    assert single.mean() > 0.4
    y, x = 2.0 * np.mgrid[:height, :width] + 1.0
    middle = plane_points(view, x, y)
    wrong = np.zeros((height, width), bool)
    for j, thing in enumerate(things):
        mine = single & (first[..., 0] == j)
        normal = thing["normal"] * np.sign((view["position"] - thing["corner"]) @ thing["normal"])
        off = np.abs(facing[:height, :width] - [*normal, j / 100]).max(2) > 1e-4
        depth = ((thing["corner"] - view["position"]) @ thing["normal"]) / (middle @ thing["normal"])
        points = view["position"] + middle * depth[..., None]
        away = np.linalg.norm(where[:height, :width, :3] - points, axis=2) > 0.03 * np.abs(depth)
        wrong |= mine & (off | (away & (shown.all(2))))
    sky = single & (first[..., 0] == -1)
    wrong |= sky & (where[:height, :width, 1] < 20.0) & (facing[:height, :width, 1] > -1.0)
    # Where a sample lies on an edge, single precision may see the other side
    assert wrong.mean() < 0.01, np.argwhere(wrong)
    assert (color[height:] == 9.0).all(), "pixels beyond the sensor are left alone"
    assert (color[:, width:] == 9.0).all(), "pixels beyond the sensor are left alone"


def test_a_pixel_of_two_panels_faces_both_ways_and_lies_on_the_farther() -> None:
    key = np.full((1, 2 * SIZE[0], 2 * SIZE[1]), rasterize.EMPTY.value, np.int64)
    pixels = strange = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        view, things = a_view(rng, 0.2), panels(rng, 8)
        _, facing, where = (surface[0] for surface in layer(view[None], [things], key))
        height, width = int(view["height"]), int(view["width"])
        y, x = np.mgrid[: 2 * height, : 2 * width] + 0.5
        nearest, depth = (
            each.reshape(height, 2, width, 2).swapaxes(1, 2).reshape(height, width, 4)
            for each in traced(view, things, plane_points(view, x, y))
        )
        mixed = (nearest[..., 0] != nearest[..., 3]) & (nearest >= 0).all(2)
        farther = np.take_along_axis(nearest, depth.argmax(2)[..., None], 2)[..., 0]
        towards = np.sign(((view["position"] - things["corner"]) * things["normal"]).sum(1))
        mean = (things["normal"] * towards[:, None])[nearest].mean(2)
        mean /= np.maximum(np.linalg.norm(mean, axis=2, keepdims=True), 1e-9)
        wanted = np.dstack([mean, things["roughness"][nearest].mean(2)])
        off = np.abs(facing[:height, :width] - wanted).max(2) > 1e-3
        above = ((where[:height, :width, :3] - things["corner"][farther]) * things["normal"][farther]).sum(2)
        off |= np.abs(above) > 1e-3
        pixels, strange = pixels + int(mixed.sum()), strange + int((off & mixed).sum())
    assert pixels > 100
    assert strange <= 0.05 * pixels


def test_a_view_is_the_same_in_any_batch() -> None:
    rng = np.random.default_rng(11)
    views = np.stack([a_view(rng, 0.2 * (k % 2)) for k in range(5)])
    things, key = [panels(rng, 4 + k) for k in range(5)], keys(rng, 5)
    together = layer(views, things, key)
    for k in (0, 3):
        alone = layer(views[k : k + 1], things[k : k + 1], key[k : k + 1])
        for one, all_of_them in zip(alone, together, strict=True):
            np.testing.assert_array_equal(one[0], all_of_them[k])


@pytest.mark.parametrize(("fronts", "depth", "hidden"), [(1, 3.0, True), (1, 8.0, False), (0, 3.0, False)])
def test_samples_behind_a_front_panel_are_marked(fronts: int, depth: float, hidden: bool) -> None:
    """A triangle that fills the view, 5 m away, behind the left half of a panel or before it."""
    view = a_view(np.random.default_rng(0), 0.0)
    view["position"], view["right"], view["up"], view["forward"] = (0, 1, 5), (1, 0, 0), (0, 1, 0), (0, 0, -1)
    view["window"], view["fronts"], view["end_panel"] = (0.0, 0.0, 0.18, 0.3), fronts, 2
    things = panels(np.random.default_rng(1), 3)[:2]
    things["corner"][1], things["along"][1], things["upward"][1] = (-9, 0, 5 - depth), (1 / 9, 0, 0), (0, 0.1, 0)
    things["corner"][1, 1], things["normal"][1], things["cutout"][1] = -4, (0, 0, 1), 0
    height, width = 2 * int(view["height"]), 2 * int(view["width"])
    screen = np.array([[[-200, -200, 0.5, 0.2], [-200, 400, 0.5, 0.2], [400, -200, 0.5, 0.2]]], np.float32)
    key = np.full((1, 2 * SIZE[0], 2 * SIZE[1]), rasterize.EMPTY.value, np.int64)
    key[0, :height, :width] = 6 << 20
    views, rows = wp.array(view[None], dtype=ViewParameters), wp.array(things, dtype=Panel)
    planes, found = wp.empty(2, dtype=planes_of.Plane), wp.array(key, dtype=wp.int64)
    tiles = wp.empty((1, -(-SIZE[0] // 8), -(-SIZE[1] // 8), MAX_PANELS + 1), dtype=wp.int32)
    wp.launch(planes_of.aim, (1, MAX_PANELS), [views, rows, planes])
    wp.launch(planes_of.sort, (1, *tiles.shape[1:3]), [views, planes, tiles])
    corners = wp.array([[0, 1, 2]], dtype=wp.vec3i)
    inputs = [wp.array(screen, dtype=wp.vec4), corners, views, planes, tiles, wp.array(texture(), dtype=texel), found]
    wp.launch(surroundings.hide, (1, SIZE[0], -(-SIZE[1] // RUN)), [*inputs, RUN])
    after = found.numpy()
    marked = after >= surroundings.HIDDEN.value
    wanted = np.zeros_like(marked)
    wanted[0, :height, : width // 2] = hidden
    wanted |= key == rasterize.EMPTY.value
    np.testing.assert_array_equal(marked, wanted)
    assert ((after & rasterize.ID_MASK.value) == (key & rasterize.ID_MASK.value)).all()
    assert ((after < rasterize.EMPTY.value) == (key < rasterize.EMPTY.value)).all()
