"""The kernel that turns samples into pixels of the person.

Each pixel keeps the mean surface of each layer over its 2 x 2 samples, and the layer's coverage: the person is the
first layer, the place (see surroundings) the second. Light is then worked out once a pixel and layer, never a sample.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.rendering.surfaces.planes import half_pixel, through
from closerlook.synthesis.rendering.surfaces.rasterize import ID_MASK, doubled_area
from closerlook.synthesis.rendering.surfaces.surroundings import HIDDEN
from closerlook.synthesis.rendering.surfaces.texturing import linear, look_up, mip
from closerlook.synthesis.rendering.values import Surface, ViewParameters, texel

wp.set_module_options(KERNEL_OPTIONS)

PATCH = wp.constant(4.0)  # texels between neighbors of one patch of a texture


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
    are, and sums: texture coordinates, texels that a sample covers, normals and positions."""

    triangle: int
    material: int
    count: wp.float32
    uv: wp.vec2
    texels: wp.float32
    normal: wp.vec3
    position: wp.vec3


@wp.func
def glimpse(
    t: int,
    x: float,
    y: float,
    screen: wp.array(dtype=wp.vec4),
    triangles: wp.array(dtype=wp.vec3i),
    normals: wp.array(dtype=wp.vec3),
    uv: wp.array(dtype=wp.vec2),
    surface_of: wp.array(dtype=int),
    surfaces: wp.array(dtype=Surface),
    view: ViewParameters,
    half: wp.vec2,
) -> Patch:
    """What a sample at a point of the screen sees of a triangle."""
    h = Patch()
    f = triangles[t]
    a = screen[f[0]]
    b = screen[f[1]]
    c = screen[f[2]]
    ua = uv[f[0]]
    ub = uv[f[1]]
    uc = uv[f[2]]
    area = doubled_area(a, b, c)
    w0 = ((x - b[0]) * (b[1] - c[1]) + (y - b[1]) * (c[0] - b[0])) * a[3]
    w1 = ((x - c[0]) * (c[1] - a[1]) + (y - c[1]) * (a[0] - c[0])) * b[3]
    w2 = ((x - a[0]) * (a[1] - b[1]) + (y - a[1]) * (b[0] - a[0])) * c[3]
    share = 1.0 / (w0 + w1 + w2)
    w0 *= share
    w1 *= share
    w2 *= share
    h.triangle = t
    h.material = surface_of[t]
    h.count = 1.0
    h.uv = ua * w0 + ub * w1 + uc * w2
    full = float(1 << (2 * surfaces[h.material].log2_side))
    spread = wp.abs((ub[0] - ua[0]) * (uc[1] - ua[1]) - (uc[0] - ua[0]) * (ub[1] - ua[1]))
    h.texels = spread * full / wp.max(wp.abs(area), 1.0e-4) + 1.0e-6
    h.normal = wp.normalize(normals[f[0]] * w0 + normals[f[1]] * w1 + normals[f[2]] * w2)
    at = through(view, half, x, y)
    h.position = view.position + (view.right * at[0] + view.up * at[1] + view.forward) * (area * share)
    return h


@wp.func
def apart(h: Patch, sample: Patch, surfaces: wp.array(dtype=Surface)) -> bool:
    """Whether a sample sees another material than a patch's, or that far from the patch."""
    full = float(1 << surfaces[sample.material].log2_side)
    way = (sample.uv - h.uv / h.count) * full
    return sample.material != h.material or wp.dot(way, way) > PATCH * PATCH * sample.texels


@wp.struct
class Skin:
    """The person's surface: of a patch, or a sum."""

    albedo: wp.vec3
    normal: wp.vec3
    position: wp.vec3
    rough: wp.float32


@wp.func
def add_patch(
    s: Skin,
    h: Patch,
    triangles: wp.array(dtype=wp.vec3i),
    positions: wp.array(dtype=wp.vec3),
    uv: wp.array(dtype=wp.vec2),
    surfaces: wp.array(dtype=Surface),
    texels: wp.array(dtype=texel),
    eye: wp.vec3,
    count: float,
) -> Skin:
    """Add a patch that ``count`` samples see, by one look-up of its color and one of its relief."""
    surface = surfaces[h.material]
    share = 1.0 / h.count
    area = h.texels * share * count
    at = h.uv * share
    code = look_up(texels, surface.start, surface.log2_side, at, mip(area, surface.log2_side))
    p = h.position * share
    n = wp.normalize(h.normal)
    if surface.relief >= 0:
        f = triangles[h.triangle]
        area *= float(1 << (2 * surface.relief_log2)) / float(1 << (2 * surface.log2_side))
        slopes = look_up(texels, surface.relief, surface.relief_log2, at, mip(area, surface.relief_log2))
        o = positions[f[0]]
        ua = uv[f[0]]
        n = tilted(n, slopes, surface.bump, positions[f[1]] - o, positions[f[2]] - o, uv[f[1]] - ua, uv[f[2]] - ua)
    back = eye - p
    if wp.dot(n, back) < 0.0:
        n = n - back * (2.0 * wp.dot(n, back) / wp.dot(back, back))  # a smooth normal may dip below the outline
    r = Skin()
    r.albedo = s.albedo + linear(wp.vec3(code[0], code[1], code[2])) * count
    r.normal = s.normal + n * count
    r.position = s.position + p * count
    r.rough = s.rough + surface.roughness * count
    return r


@wp.func
def triangle_of(key: wp.int64) -> int:
    """The number of the person's triangle that a sample shows, -1 for none."""
    return wp.where(key < HIDDEN, int(key & ID_MASK), -1)


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
    views: wp.array(dtype=ViewParameters),
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    run: int,
):
    """Average the samples of each pixel that show the person into its first layer, with one look-up of a texture that
    several of them see.

    Where all four show one material, and those of one diagonal lie close together on it, the mean of these two stands
    for the mean of all; where these two show one triangle, its middle does.

    ``color`` linear albedo and coverage; ``facing`` normal and roughness; ``where`` position. Pixels beyond a view's
    sensor are left as they are. A thread does ``run`` pixels of a row.
    """
    v, y, part = wp.tid()
    view = views[v]
    if y >= view.height:
        return
    half = half_pixel(view)
    upper = key[v, 2 * y]
    lower = key[v, 2 * y + 1]
    corners = screen[v]
    pose = positions[view.pose]
    shapes = normals[view.pose]
    colors = color[v, 0, y]
    facings = facing[v, 0, y]
    points = where[v, 0, y]
    x = part * run
    end = wp.min(x + run, view.width)
    while x < end:
        a = triangle_of(upper[2 * x])
        b = triangle_of(upper[2 * x + 1])
        c = triangle_of(lower[2 * x])
        d = triangle_of(lower[2 * x + 1])
        if wp.max(wp.max(a, b), wp.max(c, d)) < 0:
            colors[x] = wp.vec4()
        else:
            alike = bool(False)
            if wp.min(wp.min(a, b), wp.min(c, d)) >= 0:
                m = surface_of[a]
                alike = m == surface_of[b] and m == surface_of[c] and m == surface_of[d]
            s = Skin()
            patch = Patch()
            count = float(0.0)
            k = int(0)
            share = float(1.0)
            while k < 4:
                sub = (3 * k) & 3  # one diagonal first
                t = wp.where(sub == 0, a, wp.where(sub == 3, d, wp.where(sub == 1, b, c)))
                k += 1
                if t >= 0:
                    px = float(2 * x + (sub & 1)) + 0.5
                    py = float(2 * y + (sub >> 1)) + 0.5
                    if k == 1 and alike and d == t:
                        px += 0.5
                        py += 0.5
                        k = 4
                        share = 4.0
                    sample = glimpse(t, px, py, corners, triangles, shapes, uv, surface_of, surfaces, view, half)
                    if patch.count > 0.0 and apart(patch, sample, surfaces):
                        s = add_patch(s, patch, triangles, pose, uv, surfaces, texels, view.position, patch.count)
                        patch = Patch()
                    if patch.count == 0.0:
                        patch.triangle = t
                        patch.material = sample.material
                    patch.count += 1.0
                    patch.uv += sample.uv
                    patch.texels += sample.texels
                    patch.normal += sample.normal
                    patch.position += sample.position
                    count += 1.0
                    if k == 2 and alike and patch.count == 2.0:
                        k = 4
                        share = 2.0
            s = add_patch(s, patch, triangles, pose, uv, surfaces, texels, view.position, patch.count * share)
            count *= share
            part_of = 1.0 / count
            n = wp.normalize(s.normal)
            albedo = s.albedo * part_of
            p = s.position * part_of
            colors[x] = wp.vec4(albedo[0], albedo[1], albedo[2], count * 0.25)
            facings[x] = wp.vec4(n[0], n[1], n[2], s.rough * part_of)
            points[x] = wp.vec4(p[0], p[1], p[2], 0.0)
        x += 1
