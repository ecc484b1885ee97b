"""Kernels that find the place before and behind the person: the panels along the samples' rays, as a layer of pixels.

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
from closerlook.synthesis.render.surfaces.raster import EMPTY, ID_MASK, doubled_area, weights
from closerlook.synthesis.render.surfaces.texturing import exponent, linear, look_up, mip, opacities, opacity
from closerlook.synthesis.render.values import Panel, Sight, texel

wp.set_module_options(KERNEL_OPTIONS)

SORTED = wp.constant(8)  # pixels along the side of a tile that panels are sorted into
CLEAR = wp.constant(7)  # opacity that differs from a hole's, or from a solid's, by no more is not at an edge
SKY, MIXED = wp.constant(-1), wp.constant(-2)  # instead of a panel's number
SKY_DISTANCE = wp.constant(20000.0)  # metres
NEXT_TO_NOTHING = wp.constant(1.0e-3)  # metres
HORIZON = wp.constant(1.0e-6)  # 1 / metres: the ground ends there
LAID = wp.constant(4.0e-6)  # of the distance: of things in one plane, the one with the lowest number is on top
FLATTEST = wp.constant(50.0)  # how many times longer than wide a pixel may be on a panel
HIDDEN = wp.constant(wp.int64(1 << 60))  # added to the key of a sample whose triangle is behind a panel
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
def half_pixel(eye: Sight) -> wp.vec2:
    """Half a pixel's width and height on the plane at distance 1: a sample's."""
    return wp.vec2(eye.window[2] / float(eye.width), eye.window[3] / float(eye.height))


@wp.func
def through(eye: Sight, half: wp.vec2, x: float, y: float) -> wp.vec2:
    """Right and up on the plane at distance 1 of a point in samples, which are :func:`half_pixel` wide and high."""
    across = eye.window[0] - eye.window[2] + half[0] * x
    above = eye.window[1] + eye.window[3] - half[1] * y
    straight = 1.0 + eye.distortion * (across * across + above * above)
    return wp.vec2(across * straight, above * straight)


@wp.func
def by_axes(eye: Sight, v: wp.vec3) -> wp.vec3:
    """A vector's parts to the right, up and forward."""
    return wp.vec3(wp.dot(v, eye.right), wp.dot(v, eye.up), wp.dot(v, eye.forward))


@wp.func
def form(f: wp.vec3, at: wp.vec2) -> float:
    """A linear form at a point."""
    return f[0] * at[0] + f[1] * at[1] + f[2]


@wp.func
def doubt_of(f: wp.vec3, half: wp.vec2) -> float:
    """How much a linear form may differ within half a width and half a height."""
    return wp.abs(f[0]) * half[0] + wp.abs(f[1]) * half[1]


@wp.kernel
def aim(sights: wp.array(dtype=Sight), panels: wp.array(dtype=Panel), planes: wp.array(dtype=Plane)):
    """What each view's panels are to its camera."""
    view, j = wp.tid()
    eye = sights[view]
    number = eye.first_panel + j
    if number >= eye.end_panel:
        return
    p = panels[number]
    q = Plane()
    offset = wp.dot(p.corner - eye.position, p.normal)
    if wp.abs(offset) > 1.0e-6:
        q.away = 1.0 / wp.abs(offset)
        q.inverse = by_axes(eye, p.normal) * ((1.0 - LAID * float(j)) / offset)
    q.normal = p.normal * -wp.sign(offset)
    q.across = by_axes(eye, p.along) + q.inverse * wp.dot(eye.position - p.corner, p.along)
    q.upward = by_axes(eye, p.upward) + q.inverse * wp.dot(eye.position - p.corner, p.upward)
    half = half_pixel(eye)
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
    q.grain = eye.pixel * p.texels * eye.pixel * p.texels
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
def met(q: Plane, inverse: float, at: wp.vec2, scale: float) -> int:
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
def sort(sights: wp.array(dtype=Sight), planes: wp.array(dtype=Plane), tiles: wp.array4d(dtype=int)):
    """Which panels each tile of a view may show: ``tiles[view, row, column]`` says how many, then their numbers among
    the view's own in rising order, the ground's left out. After 0 comes the number of the only panel that the tile
    shows, SKY, or MIXED for ground and sky."""
    view, row, column = wp.tid()
    eye = sights[view]
    if row * SORTED >= eye.height or column * SORTED >= eye.width:
        return
    sample = half_pixel(eye)
    low = wp.vec2(1.0e9, 1.0e9)
    high = -low
    for y in range(3):
        for x in range(3):
            # A lens bends the sides of a tile, by less than a pixel
            across = float(2 * SORTED) * (float(column) + 0.5 * float(x)) + 2.0 * (float(x) - 1.0)
            down = float(2 * SORTED) * (float(row) + 0.5 * float(y)) + 2.0 * (float(y) - 1.0)
            at = through(eye, sample, across, down)
            low = wp.min(low, at)
            high = wp.max(high, at)
    middle = (low + high) * 0.5
    half = (high - low) * 0.5
    scale = wp.max(wp.cw_div(half, sample))
    ground = planes[eye.first_panel]
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
    while j < eye.end_panel - eye.first_panel:
        q = planes[eye.first_panel + j]
        inverse = form(q.inverse, middle)
        if inverse > nearest and q.cutout == 0 and met(q, inverse, middle, scale) == WHOLLY:
            only = j
            front = q.inverse
            nearest = inverse
        j += 1
    count = int(0)
    j = int(1)
    while j < eye.end_panel - eye.first_panel:
        q = planes[eye.first_panel + j]
        kind = met(q, form(q.inverse, middle), middle, scale)
        if kind != OUT and (j == only or before(q, front, middle, half)):
            count += 1
            tiles[view, row, column, count] = j
        j += 1
    if (
        count == 1
        and tiles[view, row, column, 1] == only
        and eye.fronts == 0
        and not before(ground, front, middle, half)
    ):
        count = 0
    if count == 0:
        tiles[view, row, column, 1] = only
    tiles[view, row, column, 0] = count


@wp.func
def holes(q: Plane, inverse: float, at: wp.vec2, texels: wp.array(dtype=texel)) -> int:
    """Whether a cut-out panel is there in the whole of a pixel around a point: OUT, PARTLY or WHOLLY.

    At a level of which four texels hold all that the pixel's samples may look up: up to two above theirs, where a mean
    that is CLEAR leaves no doubt of them.
    """
    depth = 1.0 / inverse
    fine = mip(q.grain * depth * depth, q.log2_side)
    level = wp.max(fine, exponent(q.dense * depth) + 1)
    if level > wp.min(fine + 2, q.log2_side):
        return PARTLY
    u = form(q.across, at) * depth * q.map[0] + q.map[1]
    v = form(q.upward, at) * depth * q.map[2] + q.map[3]
    alpha = opacities(texels, q.start, q.log2_side, wp.vec2(u, v), level)
    if alpha[1] <= CLEAR:
        return OUT
    return wp.where(alpha[0] >= 255 - CLEAR, WHOLLY, PARTLY)


@wp.func
def alone(
    planes: wp.array(dtype=Plane),
    first: int,
    tile: wp.array(dtype=int),
    texels: wp.array(dtype=texel),
    at: wp.vec2,
    half: wp.vec2,
) -> int:
    """The only panel of a tile that the pixel around a point sees, SKY, or MIXED for several."""
    if tile[0] == 0 and tile[1] != MIXED:
        return tile[1]
    ground = planes[first]
    nearest = form(ground.inverse, at)
    rivals = wp.uint64(0)
    only = SKY
    front = wp.vec3()
    behind = float(0.0)  # what is further than this is hidden
    if nearest + ground.doubt > HORIZON:
        rivals = wp.uint64(1)
    if nearest - ground.doubt > HORIZON:
        only = 0
        front = ground.inverse
        behind = nearest - ground.doubt
    nearest = wp.max(nearest, 0.0)
    k = int(1)
    while k <= tile[0]:
        q = planes[first + tile[k]]
        inverse = form(q.inverse, at)
        if inverse + q.doubt > behind:
            kind = met(q, inverse, at, 1.0)
            if kind == WHOLLY and q.cutout != 0:
                kind = holes(q, inverse, at, texels)
            if kind != OUT:
                rivals = rivals | (wp.uint64(1) << wp.uint64(k))
            if kind == WHOLLY and inverse > nearest:
                only = tile[k]
                front = q.inverse
                nearest = inverse
                behind = wp.max(behind, inverse - q.doubt)
        k += 1
    j = int(0)
    k = int(0)
    while rivals != wp.uint64(0):
        if (rivals & wp.uint64(1)) != wp.uint64(0) and j != only and before(planes[first + j], front, at, half):
            return MIXED
        rivals = rivals >> wp.uint64(1)
        k += 1
        if k <= tile[0]:
            j = tile[k]
    return only


@wp.struct
class Hit:
    """The nearest panel along a ray, SKY for none, and whether the ray passed the edge of a hole."""

    panel: int
    inverse: wp.float32
    edge: int


@wp.func
def trace(
    planes: wp.array(dtype=Plane),
    first: int,
    tile: wp.array(dtype=int),
    last: int,
    texels: wp.array(dtype=texel),
    at: wp.vec2,
    nearest: Hit,
) -> Hit:
    """The nearest of ``nearest`` and of the panels of a tile up to number ``last`` along a ray."""
    h = nearest
    k = int(1)
    while k <= tile[0]:
        j = tile[k]
        if j > last:
            return h
        q = planes[first + j]
        inverse = form(q.inverse, at)
        u = form(q.across, at)
        v = form(q.upward, at)
        if inverse > h.inverse and inverse < q.nearest and wp.min(u, v) >= 0.0 and wp.max(u, v) <= inverse:
            solid = 255
            if q.cutout != 0:
                depth = 1.0 / inverse
                uv = wp.vec2(u * depth * q.map[0] + q.map[1], v * depth * q.map[2] + q.map[3])
                solid = opacity(texels, q.start, q.log2_side, uv, mip(q.grain * depth * depth, q.log2_side))
                if solid > CLEAR and solid < 255 - CLEAR:
                    h.edge = 1
            if solid >= 128:
                h.inverse = inverse
                h.panel = j
        k += 1
    return h


@wp.func
def open_ground(planes: wp.array(dtype=Plane), first: int, at: wp.vec2) -> Hit:
    """The ground or the sky along a ray."""
    h = Hit()
    h.panel = SKY
    inverse = form(planes[first].inverse, at)
    if inverse > HORIZON:
        h.panel = 0
        h.inverse = inverse
    return h


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
    planes: wp.array(dtype=Plane), panel: int, texels: wp.array(dtype=texel), eye: Sight, at: wp.vec2, count: float
) -> Spot:
    """What ``count`` samples see whose middle is a point and that all show one panel of a view, or the sky."""
    s = Spot()
    ray = eye.right * at[0] + eye.up * at[1] + eye.forward
    long = wp.sqrt(1.0 + wp.dot(at, at))
    if panel < 0:
        s.normal = wp.vec3(0.0, -1.0, 0.0)
        s.position = eye.position + ray * (SKY_DISTANCE / long)
        s.away = NEXT_TO_NOTHING  # nothing that is seen with it lies in the sky
        return s
    q = planes[eye.first_panel + panel]
    depth = 1.0 / form(q.inverse, at)
    u = form(q.across, at) * depth
    v = form(q.upward, at) * depth
    area = q.grain * depth * depth * count * wp.min(long * depth * q.away, FLATTEST)
    uv = wp.vec2(u * q.map[0] + q.map[1], v * q.map[2] + q.map[3])
    code = look_up(texels, q.start, q.log2_side, uv, mip(area, q.log2_side))
    s.albedo = wp.cw_mul(linear(wp.vec3(code[0], code[1], code[2])), q.tint)
    s.normal = q.normal
    s.position = eye.position + ray * depth
    s.away = depth
    s.rough = q.roughness
    if q.cutout == 0:
        s.emission = 1.0 - code[3]
    return s


@wp.func
def added(s: Spot, one: Spot, count: float) -> Spot:
    """A sum of surfaces and ``count`` times another, see :class:`Spot`."""
    r = Spot()
    r.albedo = s.albedo + one.albedo * count
    # The sky has a say in the normal only where there is nothing else
    r.normal = s.normal + one.normal * wp.where(one.away > NEXT_TO_NOTHING, count, 1.0e-6 * count)
    r.position = wp.where(one.away > s.away, one.position, s.position)
    r.away = wp.max(one.away, s.away)
    r.rough = s.rough + one.rough * count
    r.emission = s.emission + one.emission * count
    return r


@wp.func
def several(
    planes: wp.array(dtype=Plane),
    tile: wp.array(dtype=int),
    texels: wp.array(dtype=texel),
    eye: Sight,
    half: wp.vec2,
    x: int,
    y: int,
    shown: int,
) -> Spot:
    """The surface that the samples of a pixel see whose bits are set in ``shown``: see :class:`Spot` for their mean.

    Neighbours that see one panel take one look at its texture. If all four are shown and those of one diagonal see one
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
            at = through(eye, half, float(2 * x + (sub & 1)) + 0.5, float(2 * y + (sub >> 1)) + 0.5)
            ground = open_ground(planes, eye.first_panel, at)
            h = trace(planes, eye.first_panel, tile, eye.end_panel, texels, at, ground)
            if h.panel != panel and count > 0.0:
                s = added(s, spot(planes, panel, texels, eye, middle / count, count), count)
                middle = wp.vec2()
                count = 0.0
            panel = h.panel
            edge = wp.max(edge, h.edge)
            middle += at
            count += 1.0
            total += 1.0
    share = wp.where(total == 2.0 and shown == 15, 4.0, count)
    s = added(s, spot(planes, panel, texels, eye, middle / count, share), count)
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
    sights: wp.array(dtype=Sight),
    planes: wp.array(dtype=Plane),
    tiles: wp.array4d(dtype=int),
    place_texels: wp.array(dtype=texel),
    key: wp.array3d(dtype=wp.int64),
    run: int,
):
    """Add HIDDEN to the ``key`` of samples whose triangle is behind a panel. A thread does ``run`` pixels of a row."""
    view, y, part = wp.tid()
    eye = sights[view]
    if eye.fronts == 0 or y >= eye.height:
        return
    half = half_pixel(eye)
    x = part * run
    end = wp.min(x + run, eye.width)
    while x < end:
        tile = tiles[view, y / SORTED, x / SORTED]
        for sub in range(4):
            column = 2 * x + (sub & 1)
            row = 2 * y + (sub >> 1)
            k = key[view, row, column]
            if k < EMPTY:
                f = triangles[int(k & ID_MASK)]
                a = screen[view, f[0]]
                b = screen[view, f[1]]
                c = screen[view, f[2]]
                px = float(column) + 0.5
                py = float(row) + 0.5
                w = weights(a, b, c, 1.0 / doubled_area(a, b, c), px, py)
                h = Hit()
                h.panel = SKY
                h.inverse = w[0] * a[3] + w[1] * b[3] + w[2] * c[3]
                at = through(eye, half, px, py)
                if trace(planes, eye.first_panel, tile, eye.fronts, place_texels, at, h).panel != SKY:
                    key[view, row, column] = k | HIDDEN
        x += 1


@wp.kernel
def surround(
    key: wp.array3d(dtype=wp.int64),
    sights: wp.array(dtype=Sight),
    planes: wp.array(dtype=Plane),
    tiles: wp.array4d(dtype=int),
    place_texels: wp.array(dtype=texel),
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Average the samples of each pixel that do not show the person into its second layer.

    ``colour`` linear albedo and coverage; ``facing`` normal and roughness; ``where`` position and emission. Pixels
    beyond a view's sensor are left as they are. A thread does ``run`` pixels of a row.
    """
    view, y, part = wp.tid()
    eye = sights[view]
    if y >= eye.height:
        return
    half = half_pixel(eye)
    upper = key[view, 2 * y]
    lower = key[view, 2 * y + 1]
    colours = colour[view, 1, y]
    normals = facing[view, 1, y]
    points = where[view, 1, y]
    x = part * run
    end = wp.min(x + run, eye.width)
    while x < end:
        shown = place_samples(upper, lower, x)
        if shown == 0:
            colours[x] = wp.vec4()
        else:
            count = float((shown & 1) + ((shown >> 1) & 1) + ((shown >> 2) & 1) + (shown >> 3))
            tile = tiles[view, y / SORTED, x / SORTED]
            at = through(eye, half, 2.0 * float(x) + 1.0, 2.0 * float(y) + 1.0)
            panel = alone(planes, eye.first_panel, tile, place_texels, at, half)
            s = Spot()
            if panel == MIXED:
                s = several(planes, tile, place_texels, eye, half, x, y, shown)
            else:
                s = spot(planes, panel, place_texels, eye, at, count)
            colours[x] = wp.vec4(s.albedo[0], s.albedo[1], s.albedo[2], count * 0.25)
            normals[x] = wp.vec4(s.normal[0], s.normal[1], s.normal[2], s.rough)
            points[x] = wp.vec4(s.position[0], s.position[1], s.position[2], s.emission)
        x += 1
