"""What panels are to a camera, and which of them each tile of its image may show.

A panel's depth d and a point's share u and v of its width and height vary with the place on the image plane as
quotients of linear forms do, with one denominator: 1 / d, u / d and v / d are linear in it. Whether a ray meets a panel
takes no division, then, and whether a whole pixel or tile sees nothing but one panel is known from its middle.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.rendering.values import Panel, ViewParameters

wp.set_module_options(KERNEL_OPTIONS)

SORTED = wp.constant(8)  # pixels along the side of a tile that panels are sorted into
SKY, MIXED = wp.constant(-1), wp.constant(-2)  # instead of a panel's number
HORIZON = wp.constant(1.0e-6)  # 1 / meters: the ground ends there
LAID = wp.constant(4.0e-6)  # of the distance: of things in one plane, the one with the lowest number is on top
OUT, PARTLY, WHOLLY = (wp.constant(kind) for kind in range(3))


@wp.struct
class Plane:
    """A panel as a camera sees it: linear forms of the point (x, y, 1) on the plane at distance 1 before the eye.

    ``inverse`` is one over the depth; ``across`` and ``upward`` are the point's shares of the panel's width and height,
    from its corner, over the depth. ``doubt`` is how much ``inverse``, and ``doubts`` how much ``across``, what it is
    short of the whole width, ``upward`` and what that is short of the whole height may differ within half a pixel.
    ``nearest`` is the largest ``inverse`` there is. Shares times ``map``'s first and third plus its second and fourth
    are texture coordinates; ``grain`` are texels that a pixel at depth 1 covers, and ``dense`` the most that half of it
    is wide or high, however slant. ``away`` is one over the plane's distance from the eye, to which ``normal`` points.
    """

    inverse: wp.vec3
    across: wp.vec3
    upward: wp.vec3
    doubts: wp.vec4
    doubt: wp.float32
    nearest: wp.float32
    map: wp.vec4
    grain: wp.float32
    dense: wp.float32
    away: wp.float32
    normal: wp.vec3
    tint: wp.vec3
    roughness: wp.float32
    start: int
    log2_side: int
    cutout: int


@wp.func
def half_pixel(view: ViewParameters) -> wp.vec2:
    """Half a pixel's width and height on the plane at distance 1: a sample's."""
    return wp.vec2(view.window[2] / float(view.width), view.window[3] / float(view.height))


@wp.func
def through(view: ViewParameters, half: wp.vec2, x: float, y: float) -> wp.vec2:
    """Right and up on the plane at distance 1 of a point in samples, which are :func:`half_pixel` wide and high."""
    across = view.window[0] - view.window[2] + half[0] * x
    above = view.window[1] + view.window[3] - half[1] * y
    straight = 1.0 + view.distortion * (across * across + above * above)
    return wp.vec2(across * straight, above * straight)


@wp.func
def by_axes(view: ViewParameters, v: wp.vec3) -> wp.vec3:
    """A vector's parts to the right, up and forward."""
    return wp.vec3(wp.dot(v, view.right), wp.dot(v, view.up), wp.dot(v, view.forward))


@wp.func
def form(f: wp.vec3, at: wp.vec2) -> float:
    """A linear form at a point."""
    return f[0] * at[0] + f[1] * at[1] + f[2]


@wp.func
def doubt_of(f: wp.vec3, half: wp.vec2) -> float:
    """How much a linear form may differ within half a width and half a height."""
    return wp.abs(f[0]) * half[0] + wp.abs(f[1]) * half[1]


@wp.kernel
def aim(views: wp.array(dtype=ViewParameters), panels: wp.array(dtype=Panel), planes: wp.array(dtype=Plane)):
    """What each view's panels are to its camera."""
    v, j = wp.tid()
    view = views[v]
    number = view.first_panel + j
    if number >= view.end_panel:
        return
    p = panels[number]
    q = Plane()
    offset = wp.dot(p.corner - view.position, p.normal)
    if wp.abs(offset) > 1.0e-6:
        q.away = 1.0 / wp.abs(offset)
        q.inverse = by_axes(view, p.normal) * ((1.0 - LAID * float(j)) / offset)
    q.normal = p.normal * -wp.sign(offset)
    q.across = by_axes(view, p.along) + q.inverse * wp.dot(view.position - p.corner, p.along)
    q.upward = by_axes(view, p.upward) + q.inverse * wp.dot(view.position - p.corner, p.upward)
    half = half_pixel(view)
    q.doubt = doubt_of(q.inverse, half)
    q.doubts = wp.vec4(
        doubt_of(q.across, half),
        doubt_of(q.inverse - q.across, half),
        doubt_of(q.upward, half),
        doubt_of(q.inverse - q.upward, half),
    )
    q.nearest = 1.0 / p.near
    q.map = wp.vec4(p.repeat[0], p.shift[0], p.repeat[1], p.shift[1])
    if j > 0:
        q.map = wp.vec4(p.repeat[0], p.shift[0], -p.repeat[1], p.repeat[1] + p.shift[1])
    q.grain = view.pixel * p.texels * view.pixel * p.texels
    q.dense = float(1 << p.log2_side) * wp.max(
        wp.max(q.doubts[0], q.doubts[1]) * wp.abs(p.repeat[0]),
        wp.max(q.doubts[2], q.doubts[3]) * wp.abs(p.repeat[1]),
    )
    q.tint = p.tint
    q.roughness = p.roughness
    q.start = p.start
    q.log2_side = p.log2_side
    q.cutout = p.cutout
    planes[number] = q


@wp.func
def coverage(q: Plane, inverse: float, at: wp.vec2, scale: float) -> int:
    """Whether ``scale`` pixels around a point meet a panel: OUT, PARTLY or WHOLLY; ``inverse`` is the form's value."""
    u = form(q.across, at)
    v = form(q.upward, at)
    inside = wp.vec4(u, inverse - u, v, inverse - v)
    doubts = q.doubts * scale
    doubt = q.doubt * scale
    if wp.min(inside + doubts) < 0.0 or inverse - doubt > q.nearest:
        return OUT
    if wp.min(inside - doubts) > 0.0 and inverse + doubt < q.nearest:
        return WHOLLY
    return PARTLY


@wp.func
def before(q: Plane, other: wp.vec3, at: wp.vec2, half: wp.vec2) -> bool:
    """Whether a panel may be nearer than what has ``other`` for its ``inverse``, somewhere around a point."""
    nearer = q.inverse - other
    return form(nearer, at) + doubt_of(nearer, half) > 0.0


@wp.kernel
def sort(views: wp.array(dtype=ViewParameters), planes: wp.array(dtype=Plane), tiles: wp.array4d(dtype=int)):
    """Which panels each tile of a view may show: ``tiles[view, row, column]`` says how many, then their numbers among
    the view's own in ascending order, the ground's left out. After 0 comes the number of the only panel that the tile
    shows, SKY, or MIXED for ground and sky."""
    v, row, column = wp.tid()
    view = views[v]
    if row * SORTED >= view.height or column * SORTED >= view.width:
        return
    sample = half_pixel(view)
    low = wp.vec2(1.0e9, 1.0e9)
    high = -low
    for y in range(3):
        for x in range(3):
            # A lens bends the sides of a tile, by less than a pixel
            across = float(2 * SORTED) * (float(column) + 0.5 * float(x)) + 2.0 * (float(x) - 1.0)
            down = float(2 * SORTED) * (float(row) + 0.5 * float(y)) + 2.0 * (float(y) - 1.0)
            at = through(view, sample, across, down)
            low = wp.min(low, at)
            high = wp.max(high, at)
    middle = (low + high) * 0.5
    half = (high - low) * 0.5
    scale = wp.max(wp.cw_div(half, sample))
    ground = planes[view.first_panel]
    nearest = form(ground.inverse, middle)
    only = MIXED
    front = wp.vec3()
    if nearest - ground.doubt * scale > HORIZON:
        only = 0
        front = ground.inverse
    elif nearest + ground.doubt * scale <= HORIZON:
        only = SKY
    nearest = wp.max(nearest, 0.0)
    j = int(1)
    while j < view.end_panel - view.first_panel:
        q = planes[view.first_panel + j]
        inverse = form(q.inverse, middle)
        if inverse > nearest and q.cutout == 0 and coverage(q, inverse, middle, scale) == WHOLLY:
            only = j
            front = q.inverse
            nearest = inverse
        j += 1
    count = int(0)
    j = int(1)
    while j < view.end_panel - view.first_panel:
        q = planes[view.first_panel + j]
        kind = coverage(q, form(q.inverse, middle), middle, scale)
        if kind != OUT and (j == only or before(q, front, middle, half)):
            count += 1
            tiles[v, row, column, count] = j
        j += 1
    if count == 1 and tiles[v, row, column, 1] == only and view.fronts == 0 and not before(ground, front, middle, half):
        count = 0
    if count == 0:
        tiles[v, row, column, 1] = only
    tiles[v, row, column, 0] = count
