"""Kernels for the spheres that stand for the bodies of poses when it is worked out how much of the sky a place sees."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS

wp.set_module_options(KERNEL_OPTIONS)

BANDS = wp.constant(8)  # of height, that each have two spheres
AWAY = wp.constant(1.0e6)  # meters: where samples are that show nothing
REACH = wp.constant(6.3)  # radii beyond which a sphere darkens nothing


@wp.func
def xyz(v: wp.vec4) -> wp.vec3:
    return wp.vec3(v[0], v[1], v[2])


@wp.func
def sphere(sums: wp.vec4, height: float) -> wp.vec4:
    """For points at about this height, of which ``sums`` are their number and those of x, z and x * x + z * z."""
    scale = 1.0 / wp.max(sums[0], 1.0)
    x, z = sums[1] * scale, sums[2] * scale
    radius = wp.clamp(wp.sqrt(wp.max(sums[3] * scale - x * x - z * z, 0.0)), 0.05, 0.3)
    return wp.vec4(x, height, z, wp.where(sums[0] > 0.5, radius, 0.0))


@wp.kernel
def bodies(positions: wp.array2d(dtype=wp.vec3), step: int, spheres: wp.array2d(dtype=wp.vec4)):
    """Spheres (x, y, z, radius) that stand for the body of each pose when the place's open sky is worked out.

    Every ``step``-th vertex is looked at. Each of BANDS of height is split in two across its longer horizontal axis, so
    that both feet have their own; a half with no vertex has a sphere of radius 0.
    """
    p, band = wp.tid()
    top = float(0.0)
    i = int(0)
    while i < positions.shape[1]:
        height = positions[p, i][1]
        top = wp.where(height > top, height, top)
        i += step
    low = float(band) * top / float(BANDS)
    high = float(band + 1) * top / float(BANDS)
    low = wp.where(band == 0, -AWAY, low)
    high = wp.where(band == BANDS - 1, AWAY, high)
    sums = wp.vec4()
    slant = float(0.0)
    stretch = float(0.0)
    i = int(0)
    while i < positions.shape[1]:
        at = positions[p, i]
        if at[1] >= low and at[1] < high:
            xx = at[0] * at[0]
            zz = at[2] * at[2]
            sums += wp.vec4(1.0, at[0], at[2], xx + zz)
            slant += at[0] * at[2]
            stretch += xx - zz
        i += step
    scale = 1.0 / wp.max(sums[0], 1.0)
    x = sums[1] * scale
    z = sums[2] * scale
    angle = 0.5 * wp.atan2(2.0 * (slant * scale - x * z), stretch * scale - x * x + z * z)
    cos = wp.cos(angle)
    sin = wp.sin(angle)
    middle = x * cos + z * sin
    half = wp.vec4()
    i = int(0)
    while i < positions.shape[1]:
        at = positions[p, i]
        if at[1] >= low and at[1] < high and at[0] * cos + at[2] * sin > middle:
            half += wp.vec4(1.0, at[0], at[2], at[0] * at[0] + at[2] * at[2])
        i += step
    height = (float(band) + 0.5) * top / float(BANDS)
    spheres[p, 2 * band] = sphere(half, height)
    spheres[p, 2 * band + 1] = sphere(sums - half, height)


@wp.kernel
def enclose(spheres: wp.array2d(dtype=wp.vec4)):
    """Give each pose a last sphere, at the origin, as far beyond which none of the others darkens anything."""
    p = wp.tid()
    reach = float(0.0)
    for i in range(2 * BANDS):
        ball = spheres[p, i]
        reach = wp.max(reach, wp.sqrt(ball[0] * ball[0] + ball[2] * ball[2]) + REACH * ball[3])
    spheres[p, 2 * BANDS] = wp.vec4(0.0, 0.0, 0.0, reach)
