"""Kernels that turn samples into pixels of two layers: the person (0) and the place (1), whatever of it is seen.

Each pixel keeps the mean surface of each layer over its 2 x 2 samples and the layer's coverage; light is then worked
out once a pixel and layer, never a sample. The place's panels are found along the samples' rays.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.render.raster import EMPTY, ID_MASK, doubled_area, weights
from closerlook.synthesis.render.texturing import linear, opacity, sample
from closerlook.synthesis.render.values import Panel, Sight, Surface, texel

wp.set_module_options(KERNEL_OPTIONS)

PATCH = wp.constant(4.0)  # texels between neighbours of one patch of a texture
SORTED = wp.constant(8.0)  # pixels along the side of a tile that panels are sorted into
CLEAR = wp.constant(8)  # opacity that differs from a hole's, or from a solid's, by no more is not at an edge


@wp.func
def through(eye: Sight, x: float, y: float) -> wp.vec2:
    """Right and up on the plane at distance 1 of a point in samples, of which a pixel has 2 x 2."""
    across = eye.window[0] + eye.window[2] * (x / float(eye.width) - 1.0)
    above = eye.window[1] + eye.window[3] * (1.0 - y / float(eye.height))
    straight = 1.0 + eye.distortion * (across * across + above * above)
    return wp.vec2(across * straight, above * straight)


@wp.struct
class Hit:
    """The nearest panel along a ray: its number (-1 none), depth, and texture coordinates; whether the ray passed the
    edge of a hole."""

    panel: int
    depth: wp.float32
    uv: wp.vec2
    edge: int


@wp.func
def trace(
    panels: wp.array(dtype=Panel),
    texels: wp.array(dtype=texel),
    eye: Sight,
    ray: wp.vec3,
    tile: wp.array(dtype=int),
    near: wp.uint64,
    last: int,
    h: Hit,
) -> Hit:
    """The nearest of ``h`` and of the panels in a ``tile`` up to number ``last`` along a ray; ``near`` has a bit for
    each entry of the tile that is worth a look."""
    left = wp.uint64(near)
    k = int(0)
    while left != wp.uint64(0):
        k += 1
        if (left & wp.uint64(1)) != wp.uint64(0):
            j = tile[k]
            if j > last:
                return h
            q = panels[eye.first_panel + j]
            slope = wp.dot(ray, q.normal)
            if wp.abs(slope) > 1.0e-6:
                d = wp.dot(q.corner - eye.position, q.normal) / slope
                if d > q.near and d < h.depth:
                    at = eye.position + ray * d - q.corner
                    u = wp.dot(at, q.along)
                    v = wp.dot(at, q.upward)
                    if u >= 0.0 and u <= 1.0 and v >= 0.0 and v <= 1.0:
                        uv = wp.vec2(u * q.repeat[0] + q.shift[0], (1.0 - v) * q.repeat[1] + q.shift[1])
                        solid = 255
                        if q.cutout != 0:
                            level = wp.log2(d * eye.pixel * q.texels + 1.0e-6)
                            solid = opacity(texels, q.start, q.log2_side, uv, level)
                            if solid > CLEAR and solid < 255 - CLEAR:
                                h.edge = 1
                        if solid >= 128:
                            h.depth = d
                            h.panel = j
                            h.uv = uv
        left = left >> wp.uint64(1)
    return h


@wp.kernel
def sort(
    sights: wp.array(dtype=Sight),
    panels: wp.array(dtype=Panel),
    tiles: wp.array4d(dtype=int),
):
    """Which panels each tile of a view may show: ``tiles[view, row, column]`` says how many, then their numbers among
    the view's own in rising order, the ground's left out."""
    view, row, column = wp.tid()
    eye = sights[view]
    low = wp.vec2(1.0e9, 1.0e9)
    high = -low
    for y in range(3):
        for x in range(3):
            # A lens bends the sides of a tile, by less than a pixel
            across = 2.0 * SORTED * (float(column) + 0.5 * float(x)) + 2.0 * (float(x) - 1.0)
            down = 2.0 * SORTED * (float(row) + 0.5 * float(y)) + 2.0 * (float(y) - 1.0)
            at = through(eye, across, down)
            low = wp.min(low, at)
            high = wp.max(high, at)
    count = int(0)
    j = eye.first_panel + 1
    while j < eye.end_panel:
        if overlap(panels[j].box, low, high):
            count += 1
            tiles[view, row, column, count] = j - eye.first_panel
        j += 1
    tiles[view, row, column, 0] = count


@wp.func
def overlap(box: wp.vec4, low: wp.vec2, high: wp.vec2) -> bool:
    """Whether a panel's box meets a part of the image plane."""
    return low[0] <= box[2] and high[0] >= box[0] and low[1] <= box[3] and high[1] >= box[1]


@wp.func
def around(
    panels: wp.array(dtype=Panel), first: int, tile: wp.array(dtype=int), low: wp.vec2, high: wp.vec2
) -> wp.uint64:
    """Which of the panels of a tile a part of the image plane may show, a bit each."""
    near = wp.uint64(0)
    k = int(0)
    while k < tile[0]:
        if overlap(panels[first + tile[k + 1]].box, low, high):
            near = near | (wp.uint64(1) << wp.uint64(k))
        k += 1
    return near


@wp.struct
class Place:
    """Sum over samples of a pixel's place, as in :func:`resolve`."""

    albedo: wp.vec3
    normal: wp.vec3
    position: wp.vec3
    rough: wp.float32
    emission: wp.float32


@wp.func
def add_panel(
    s: Place,
    panels: wp.array(dtype=Panel),
    texels: wp.array(dtype=texel),
    eye: Sight,
    ray: wp.vec3,
    h: Hit,
    count: float,
) -> Place:
    """Add ``count`` samples that see one panel (or the sky, -1), by one look-up: ``ray`` and ``h`` are their means."""
    if h.panel < 0:
        s.normal += wp.vec3(0.0, -count, 0.0)
        s.position += (eye.position + wp.normalize(ray) * 20000.0) * count
        return s
    q = panels[eye.first_panel + h.panel]
    p = eye.position + ray * h.depth
    uv = h.uv
    if h.panel == 0:
        at = p - q.corner
        uv = wp.vec2(wp.dot(at, q.along) * q.repeat[0] + q.shift[0], wp.dot(at, q.upward) * q.repeat[1] + q.shift[1])
    slant = wp.abs(wp.dot(wp.normalize(ray), q.normal))
    level = wp.log2(h.depth * eye.pixel * q.texels * wp.sqrt(count / wp.max(slant, 0.02)) + 1.0e-6)
    code = sample(texels, q.start, q.log2_side, uv, level)
    s.albedo += wp.cw_mul(linear(wp.vec3(code[0], code[1], code[2])), q.tint) * count
    n = q.normal * count
    if wp.dot(n, ray) > 0.0:
        n = -n
    s.normal += n
    s.position += p * count
    s.rough += q.roughness * count
    if q.cutout == 0:
        s.emission += (1.0 - code[3]) * count
    return s


@wp.func
def tilted(n: wp.vec3, slopes: wp.vec4, bump: float, e: wp.vec3, f: wp.vec3, d: wp.vec2, g: wp.vec2) -> wp.vec3:
    """A normal on slopes (half is level) along u and v; ``e``, ``f`` and ``d``, ``g`` are two edges and their uv."""
    across = e * g[1] - f * d[1]
    along = f * d[0] - e * g[0]
    turn = wp.sign(d[0] * g[1] - d[1] * g[0]) * 2.0 * bump
    u = wp.normalize(across) * (turn * (slopes[0] - 128.0 / 255.0))
    v = wp.normalize(along) * (turn * (slopes[1] - 128.0 / 255.0))
    return wp.normalize(n - u - v)


@wp.struct
class Patch:
    """Samples of a pixel that see one material of the person close together: the first one's triangle, how many they
    are, means of texture coordinates and mip level, sums of normals and positions."""

    triangle: int
    count: wp.float32
    uv: wp.vec2
    level: wp.float32
    normal: wp.vec3
    position: wp.vec3


@wp.func
def add_patch(
    s: Place,
    h: Patch,
    triangles: wp.array(dtype=wp.vec3i),
    positions: wp.array2d(dtype=wp.vec3),
    uv: wp.array(dtype=wp.vec2),
    surface: Surface,
    texels: wp.array(dtype=texel),
    eye: Sight,
) -> Place:
    """Add the samples of a patch of this ``surface``, by one look-up of its colour and one of its relief."""
    level = h.level + 0.5 * wp.log2(h.count)
    code = sample(texels, surface.start, surface.log2_side, h.uv, level)
    p = h.position / h.count
    n = wp.normalize(h.normal)
    if surface.relief >= 0:
        f = triangles[h.triangle]
        finer = float(surface.relief_log2 - surface.log2_side)
        slopes = sample(texels, surface.relief, surface.relief_log2, h.uv, level + finer)
        o = positions[eye.pose, f[0]]
        ua = uv[f[0]]
        n = tilted(
            n,
            slopes,
            surface.bump,
            positions[eye.pose, f[1]] - o,
            positions[eye.pose, f[2]] - o,
            uv[f[1]] - ua,
            uv[f[2]] - ua,
        )
    back = eye.position - p
    if wp.dot(n, back) < 0.0:
        n = n - back * (2.0 * wp.dot(n, back) / wp.dot(back, back))  # a smooth normal may dip below the outline
    s.albedo += linear(wp.vec3(code[0], code[1], code[2])) * h.count
    s.normal += n * h.count
    s.position += h.position
    s.rough += surface.roughness * h.count
    return s


@wp.func
def mixed(values: wp.array(dtype=wp.vec3), f: wp.vec3i, w0: float, w1: float, w2: float) -> wp.vec3:
    """Sum of the values at a triangle's corners by their weights."""
    return values[f[0]] * w0 + values[f[1]] * w1 + values[f[2]] * w2


@wp.func
def material(key: wp.int64, surface_of: wp.array(dtype=int)) -> int:
    """The number of the person's material that a sample shows, -1 for none."""
    if key == EMPTY:
        return -1
    return surface_of[int(key & ID_MASK)]


@wp.func
def put(
    s: Place,
    count: float,
    view: int,
    layer: int,
    y: int,
    x: int,
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
):
    """Write the mean of ``count`` of a pixel's four samples; where none shows a layer, that alone."""
    if count == 0.0:
        colour[view, layer, y, x] = wp.vec4()
        return
    share = 1.0 / count
    albedo = s.albedo * share
    n = wp.normalize(s.normal)
    p = s.position * share
    colour[view, layer, y, x] = wp.vec4(albedo[0], albedo[1], albedo[2], count * 0.25)
    facing[view, layer, y, x] = wp.vec4(n[0], n[1], n[2], s.rough * share)
    where[view, layer, y, x] = wp.vec4(p[0], p[1], p[2], s.emission * share)


@wp.kernel
def resolve(
    key: wp.array3d(dtype=wp.int64),
    screen: wp.array2d(dtype=wp.vec4),
    triangles: wp.array(dtype=wp.vec3i),
    positions: wp.array2d(dtype=wp.vec3),
    normals: wp.array2d(dtype=wp.vec3),
    uv: wp.array(dtype=wp.vec2),
    surface_of: wp.array(dtype=int),
    surfaces: wp.array(dtype=Surface),
    texels: wp.array(dtype=texel),
    sights: wp.array(dtype=Sight),
    panels: wp.array(dtype=Panel),
    tiles: wp.array4d(dtype=int),
    place_texels: wp.array(dtype=texel),
    colour: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
):
    """Average the 2 x 2 samples of a pixel into its two layers, with one look-up of a texture that several of them see.

    Where all four show one material, or the place, and those of one diagonal lie close together on it, the mean of
    these two stands for the mean of all.

    ``colour`` linear albedo and coverage; ``facing`` normal and roughness; ``where`` position and emission.
    """
    view, y, x = wp.tid()
    eye = sights[view]
    if y >= eye.height or x >= eye.width:
        return
    person = Place()
    place = Place()
    patch = Patch()
    patch_surface = int(-1)
    count0 = float(0.0)
    seen = Hit()
    seen.panel = -2
    seen_ray = wp.vec3()
    seen_count = float(0.0)
    count1 = float(0.0)
    middle = through(eye, 2.0 * float(x) + 1.0, 2.0 * float(y) + 1.0)
    reach = wp.vec2(eye.pixel, eye.window[3] / float(eye.height))
    tile = tiles[view, int(float(y) / SORTED), int(float(x) / SORTED)]
    near = around(panels, eye.first_panel, tile, middle - reach, middle + reach)
    shown = material(key[view, 2 * y, 2 * x], surface_of)
    alike = bool(
        shown == material(key[view, 2 * y, 2 * x + 1], surface_of)
        and shown == material(key[view, 2 * y + 1, 2 * x], surface_of)
        and shown == material(key[view, 2 * y + 1, 2 * x + 1], surface_of)
    )
    visited = int(0)
    ray = eye.right * middle[0] + eye.up * middle[1] + eye.forward
    if near == wp.uint64(0) and ray[1] < -reach[0] - reach[1] and alike and shown < 0:
        seen.panel = 0  # all four see the bare ground: their mean is its middle
        seen.depth = -eye.position[1] / ray[1]
        seen_ray = ray
        seen_count = 4.0
        count1 = 4.0
        visited = 4
    while visited < 4:
        if visited == 2 and alike:
            if patch.count == 2.0:
                patch.count = 4.0
                patch.position *= 2.0
                count0 = 4.0
                break
            if seen_count == 2.0 and seen.edge == 0:
                seen_count = 4.0
                count1 = 4.0
                break
        sub = (3 * visited) & 3  # one diagonal first
        sx = 2 * x + (sub & 1)
        sy = 2 * y + (sub >> 1)
        px = float(sx) + 0.5
        py = float(sy) + 0.5
        visited += 1
        k = key[view, sy, sx]
        at_plane = through(eye, px, py)
        ray = eye.right * at_plane[0] + eye.up * at_plane[1] + eye.forward
        hit = Hit()
        hit.panel = -1
        hit.depth = 1.0e9
        if k < EMPTY:
            t = int(k & ID_MASK)
            f = triangles[t]
            a = screen[view, f[0]]
            b = screen[view, f[1]]
            c = screen[view, f[2]]
            area = doubled_area(a, b, c)
            flat = weights(a, b, c, 1.0 / area, px, py)
            inverse = 1.0 / (flat[0] * a[3] + flat[1] * b[3] + flat[2] * c[3])
            hit.depth = inverse
            if eye.fronts > 0:
                hit = trace(panels, place_texels, eye, ray, tile, near, eye.fronts, hit)
            if hit.panel < 0:
                w0 = flat[0] * a[3] * inverse
                w1 = flat[1] * b[3] * inverse
                w2 = flat[2] * c[3] * inverse
                number = surface_of[t]
                ua = uv[f[0]]
                ub = uv[f[1]]
                uc = uv[f[2]]
                at = ua * w0 + ub * w1 + uc * w2
                full = float(1 << surfaces[number].log2_side)
                spread = wp.abs((ub[0] - ua[0]) * (uc[1] - ua[1]) - (uc[0] - ua[0]) * (ub[1] - ua[1]))
                detail = spread * full * full / wp.max(wp.abs(area), 1.0e-4) + 1.0e-6
                level = 0.5 * wp.log2(detail)
                apart = (at - patch.uv) * full
                far = wp.dot(apart, apart) > PATCH * PATCH * detail
                if number != patch_surface or far:
                    if patch.count > 0.0:
                        person = add_patch(
                            person, patch, triangles, positions, uv, surfaces[patch_surface], texels, eye
                        )
                    patch = Patch()
                    patch.triangle = t
                    patch_surface = number
                patch.count += 1.0
                patch.uv += (at - patch.uv) / patch.count
                patch.level += (level - patch.level) / patch.count
                patch.position += (
                    positions[eye.pose, f[0]] * w0 + positions[eye.pose, f[1]] * w1 + positions[eye.pose, f[2]] * w2
                )
                patch.normal += wp.normalize(
                    normals[eye.pose, f[0]] * w0 + normals[eye.pose, f[1]] * w1 + normals[eye.pose, f[2]] * w2
                )
                count0 += 1.0
        else:
            if ray[1] < 0.0:
                hit.depth = -eye.position[1] / ray[1]
                hit.panel = 0
            hit = trace(panels, place_texels, eye, ray, tile, near, eye.end_panel - eye.first_panel, hit)
        if k >= EMPTY or hit.panel >= 0:
            if hit.panel != seen.panel:
                if seen_count > 0.0:
                    place = add_panel(place, panels, place_texels, eye, seen_ray, seen, seen_count)
                seen = Hit()
                seen.panel = hit.panel
                seen_ray = wp.vec3()
                seen_count = 0.0
            seen_count += 1.0
            seen.edge = wp.max(seen.edge, hit.edge)
            share = 1.0 / seen_count
            seen_ray += (ray - seen_ray) * share
            seen.depth += (hit.depth - seen.depth) * share
            seen.uv += (hit.uv - seen.uv) * share
            count1 += 1.0
    if patch.count > 0.0:
        person = add_patch(person, patch, triangles, positions, uv, surfaces[patch_surface], texels, eye)
    if seen_count > 0.0:
        place = add_panel(place, panels, place_texels, eye, seen_ray, seen, seen_count)
    put(person, count0, view, 0, y, x, colour, facing, where)
    put(place, count1, view, 1, y, x, colour, facing, where)
