"""Kernels that find the place before and behind the person: panels along the samples' rays, as a layer of pixels."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.rendering.surfaces.planes import (
    MIXED,
    SKY,
    SORTED,
    Plane,
    form,
    half_pixel,
    through,
)
from closerlook.synthesis.rendering.surfaces.rasterize import EMPTY, ID_MASK, doubled_area, weights
from closerlook.synthesis.rendering.surfaces.texturing import linear, look_up, mip
from closerlook.synthesis.rendering.surfaces.tracing import Hit, alone, open_ground, trace
from closerlook.synthesis.rendering.values import ViewParameters, texel

wp.set_module_options(KERNEL_OPTIONS)

SKY_DISTANCE = wp.constant(20000.0)  # meters
NEXT_TO_NOTHING = wp.constant(1.0e-3)  # meters
FLATTEST = wp.constant(50.0)  # how many times longer than wide a pixel may be on a panel
HIDDEN = wp.constant(wp.int64(1 << 60))  # added to the key of a sample whose triangle is behind a panel


@wp.struct
class Spot:
    """A place's surface: one, or a sum, whose position is that of its farthest part, so far ``away``.

    The mean of positions would lie in the air between the parts, where the light may be another.
    """

    albedo: wp.vec3
    normal: wp.vec3
    position: wp.vec3
    rough: wp.float32
    emission: wp.float32
    away: wp.float32


@wp.func
def spot(
    planes: wp.array(dtype=Plane),
    panel: int,
    texels: wp.array(dtype=texel),
    view: ViewParameters,
    at: wp.vec2,
    count: float,
) -> Spot:
    """What ``count`` samples see whose middle is a point and that all show one panel of a view, or the sky."""
    s = Spot()
    ray = view.right * at[0] + view.up * at[1] + view.forward
    long = wp.sqrt(1.0 + wp.dot(at, at))
    if panel < 0:
        s.normal = wp.vec3(0.0, -1.0, 0.0)
        s.position = view.position + ray * (SKY_DISTANCE / long)
        s.away = NEXT_TO_NOTHING  # nothing that is seen with it lies in the sky
        return s
    q = planes[view.first_panel + panel]
    depth = 1.0 / form(q.inverse, at)
    u = form(q.across, at) * depth
    v = form(q.upward, at) * depth
    area = q.grain * depth * depth * count * wp.min(long * depth * q.away, FLATTEST)
    uv = wp.vec2(u * q.map[0] + q.map[1], v * q.map[2] + q.map[3])
    code = look_up(texels, q.start, q.log2_side, uv, mip(area, q.log2_side))
    s.albedo = wp.cw_mul(linear(wp.vec3(code[0], code[1], code[2])), q.tint)
    s.normal = q.normal
    s.position = view.position + ray * depth
    s.away = depth
    s.rough = q.roughness
    if q.cutout == 0:
        s.emission = 1.0 - code[3]
    return s


@wp.func
def added(s: Spot, other: Spot, count: float) -> Spot:
    """A sum of surfaces and ``count`` times another, see :class:`Spot`."""
    r = Spot()
    r.albedo = s.albedo + other.albedo * count
    # The sky has a say in the normal only where there is nothing else
    r.normal = s.normal + other.normal * wp.where(other.away > NEXT_TO_NOTHING, count, 1.0e-6 * count)
    r.position = wp.where(other.away > s.away, other.position, s.position)
    r.away = wp.max(other.away, s.away)
    r.rough = s.rough + other.rough * count
    r.emission = s.emission + other.emission * count
    return r


@wp.func
def several(
    planes: wp.array(dtype=Plane),
    tile: wp.array(dtype=int),
    texels: wp.array(dtype=texel),
    view: ViewParameters,
    half: wp.vec2,
    x: int,
    y: int,
    shown: int,
) -> Spot:
    """The surface that the samples of a pixel see whose bits are set in ``shown``: see :class:`Spot` for their mean.

    Neighbors that see one panel take one look at its texture. If all four are shown and those of one diagonal see one
    panel, the others do, too.
    """
    s = Spot()
    panel = MIXED
    edge = int(0)
    middle = wp.vec2()
    count = float(0.0)
    total = float(0.0)
    k = int(0)
    while k < 4:
        if k == 2 and shown == 15 and count == 2.0 and edge == 0:
            break
        sub = (3 * k) & 3  # one diagonal first
        k += 1
        if (shown & (1 << sub)) != 0:
            at = through(view, half, float(2 * x + (sub & 1)) + 0.5, float(2 * y + (sub >> 1)) + 0.5)
            ground = open_ground(planes, view.first_panel, at)
            h = trace(planes, view.first_panel, tile, view.end_panel, texels, at, ground)
            if h.panel != panel and count > 0.0:
                s = added(s, spot(planes, panel, texels, view, middle / count, count), count)
                middle = wp.vec2()
                count = 0.0
            panel = h.panel
            edge = wp.max(edge, h.edge)
            middle += at
            count += 1.0
            total += 1.0
    share = wp.where(total == 2.0 and shown == 15, 4.0, count)
    s = added(s, spot(planes, panel, texels, view, middle / count, share), count)
    r = added(Spot(), s, 1.0 / total)
    r.normal = wp.normalize(s.normal)
    return r


@wp.func
def place_samples(upper: wp.array(dtype=wp.int64), lower: wp.array(dtype=wp.int64), x: int) -> int:
    """Which of a pixel's four samples, in two rows of keys, do not show the person, a bit each, row by row."""
    return (
        wp.where(upper[2 * x] < HIDDEN, 0, 1)
        + wp.where(upper[2 * x + 1] < HIDDEN, 0, 2)
        + wp.where(lower[2 * x] < HIDDEN, 0, 4)
        + wp.where(lower[2 * x + 1] < HIDDEN, 0, 8)
    )


@wp.kernel
def hide(
    screen: wp.array2d(dtype=wp.vec4),
    triangles: wp.array(dtype=wp.vec3i),
    views: wp.array(dtype=ViewParameters),
    planes: wp.array(dtype=Plane),
    tiles: wp.array4d(dtype=int),
    place_texels: wp.array(dtype=texel),
    key: wp.array3d(dtype=wp.int64),
    run: int,
):
    """Add HIDDEN to the ``key`` of samples whose triangle is behind a panel. A thread does ``run`` pixels of a row."""
    v, y, part = wp.tid()
    view = views[v]
    if view.fronts == 0 or y >= view.height:
        return
    half = half_pixel(view)
    x = part * run
    end = wp.min(x + run, view.width)
    while x < end:
        tile = tiles[v, y / SORTED, x / SORTED]
        for sub in range(4):
            column = 2 * x + (sub & 1)
            row = 2 * y + (sub >> 1)
            k = key[v, row, column]
            if k < EMPTY:
                f = triangles[int(k & ID_MASK)]
                a = screen[v, f[0]]
                b = screen[v, f[1]]
                c = screen[v, f[2]]
                px = float(column) + 0.5
                py = float(row) + 0.5
                w = weights(a, b, c, 1.0 / doubled_area(a, b, c), px, py)
                h = Hit()
                h.panel = SKY
                h.inverse = w[0] * a[3] + w[1] * b[3] + w[2] * c[3]
                at = through(view, half, px, py)
                if trace(planes, view.first_panel, tile, view.fronts, place_texels, at, h).panel != SKY:
                    key[v, row, column] = k | HIDDEN
        x += 1


@wp.kernel
def surround(
    key: wp.array3d(dtype=wp.int64),
    views: wp.array(dtype=ViewParameters),
    planes: wp.array(dtype=Plane),
    tiles: wp.array4d(dtype=int),
    place_texels: wp.array(dtype=texel),
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Average the samples of each pixel that do not show the person into its second layer.

    ``color`` linear albedo and coverage; ``facing`` normal and roughness; ``where`` position and emission. Pixels
    beyond a view's sensor are left as they are. A thread does ``run`` pixels of a row.
    """
    v, y, part = wp.tid()
    view = views[v]
    if y >= view.height:
        return
    half = half_pixel(view)
    upper = key[v, 2 * y]
    lower = key[v, 2 * y + 1]
    colors = color[v, 1, y]
    normals = facing[v, 1, y]
    points = where[v, 1, y]
    x = part * run
    end = wp.min(x + run, view.width)
    while x < end:
        shown = place_samples(upper, lower, x)
        if shown == 0:
            colors[x] = wp.vec4()
        else:
            count = float((shown & 1) + ((shown >> 1) & 1) + ((shown >> 2) & 1) + (shown >> 3))
            tile = tiles[v, y / SORTED, x / SORTED]
            at = through(view, half, 2.0 * float(x) + 1.0, 2.0 * float(y) + 1.0)
            panel = alone(planes, view.first_panel, tile, place_texels, at, half)
            s = Spot()
            if panel == MIXED:
                s = several(planes, tile, place_texels, view, half, x, y, shown)
            else:
                s = spot(planes, panel, place_texels, view, at, count)
            colors[x] = wp.vec4(s.albedo[0], s.albedo[1], s.albedo[2], count * 0.25)
            normals[x] = wp.vec4(s.normal[0], s.normal[1], s.normal[2], s.rough)
            points[x] = wp.vec4(s.position[0], s.position[1], s.position[2], s.emission)
        x += 1
