"""Kernels for how much of the sky a pixel's surfaces see."""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp

from closerlook.compute.kernels import KERNEL_OPTIONS
from closerlook.synthesis.rendering.light.body_spheres import AWAY, BANDS, REACH, xyz
from closerlook.synthesis.rendering.values import ViewParameters

wp.set_module_options(KERNEL_OPTIONS)

NEAR = wp.constant(0.1)  # meters within which samples of the person are shared


@wp.kernel
def gather(
    views: wp.array(dtype=ViewParameters),
    color: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    samples: wp.array3d(dtype=wp.vec4),
    run: int,
):
    """Where the person is, and coverage, at every second pixel of every second row, far away where it is not there.

    A thread does ``run`` of a row.
    """
    v, j, part = wp.tid()
    slot = views[v].slot
    i = part * run
    end = wp.min(i + run, samples.shape[2])
    while i < end:
        coverage = color[slot, 0, 2 * j, 2 * i][3]
        sample = wp.vec4(AWAY, AWAY, AWAY, 0.0)
        if coverage > 0.0:
            w = where[slot, 0, 2 * j, 2 * i]
            sample = wp.vec4(w[0], w[1], w[2], coverage)
        samples[v, j, i] = sample
        i += 1


@wp.func
def crease(
    v: int,
    j: int,
    i: int,
    n: wp.vec3,
    p: wp.vec3,
    samples: wp.array3d(dtype=wp.vec4),
    taps: wp.array3d(dtype=wp.vec2i),
    meters: float,
) -> float:
    """Share of the sky that a point of the person at sample (j, i) sees past the person, by one turn of the taps."""
    turn = (i & 1) + 2 * (j & 1)
    reach = 4.0 * meters * meters
    bottom = samples.shape[1] - 1
    edge = samples.shape[2] - 1
    total = float(0.0)
    s = int(0)
    while s < taps.shape[2]:
        tap = taps[v, turn, s]
        away = xyz(samples[v, wp.clamp(j + tap[1], 0, bottom), wp.clamp(i + tap[0], 0, edge)]) - p
        d2 = wp.dot(away, away)
        above = wp.dot(away, n) - 0.01
        above = wp.where(above > 0.0, above, 0.0)
        total += wp.where(d2 < reach, above, 0.0) / (d2 + 0.002)
        s += 1
    visible = wp.clamp(1.0 - total * meters * (1.9 / float(taps.shape[2])), 0.25, 1.0)
    near_ground = 1.0 - 0.5 * wp.exp(-p[1] * 6.0) * wp.clamp(0.6 - n[1], 0.0, 1.0)
    return visible * near_ground


@wp.func
def near(sample: wp.vec4, p: wp.vec3) -> float:
    """1 for a sample of the person near a point, else 0."""
    away = xyz(sample) - p
    return wp.where(wp.dot(away, away) < NEAR * NEAR, 1.0, 0.0)


@wp.func
def past(sphere: wp.vec4, n: wp.vec3, p: wp.vec3) -> float:
    """Share of the sky that a point ``p`` with normal ``n`` sees past a sphere."""
    d = xyz(sphere) - p
    d2 = wp.dot(d, d)
    r2 = sphere[3] * sphere[3]
    over = wp.dot(n, d)
    visible = float(1.0)
    if over > 0.0 and d2 < REACH * REACH * r2:
        visible = 1.0 - over / wp.sqrt(d2) * wp.min(r2 / d2, 1.0)
    return visible


@wp.func
def beneath(
    view: ViewParameters, n: wp.vec3, p: wp.vec3, spheres: wp.array2d(dtype=wp.vec4), occluders: wp.array(dtype=wp.vec4)
) -> float:
    """Share of the sky that a point of the place sees past the person and the things around."""
    visible = float(1.0)
    reach = spheres[view.pose, 2 * BANDS][3]
    if p[0] * p[0] + p[2] * p[2] < reach * reach:
        i = int(0)
        while i < 2 * BANDS:
            visible *= past(spheres[view.pose, i], n, p)
            i += 1
    i = int(view.first_sphere)
    while i < view.end_sphere:
        visible *= past(occluders[i], n, p)
        i += 1
    if wp.abs(n[1]) < 0.5:
        visible *= 1.0 - 0.45 * wp.exp(-p[1] * 2.5)  # a wall sees less of the sky near its foot
    return visible


@wp.kernel
def occlude(
    views: wp.array(dtype=ViewParameters),
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    spheres: wp.array2d(dtype=wp.vec4),
    occluders: wp.array(dtype=wp.vec4),
    taps: wp.array3d(dtype=wp.vec2i),
    meters: float,
    samples: wp.array3d(dtype=wp.vec4),
    creases: wp.array3d(dtype=float),
    planes: wp.array3d(dtype=wp.vec4),
    run: int,
):
    """Share of the sky that each layer sees at every second pixel of every second row.

    The person occludes itself in screen space (McGuire et al., "The alchemy screen-space ambient obscurance
    algorithm", 2011) within ``meters``, at the ``samples`` that one row of ``taps`` says, which differs between
    neighbors: :func:`settle` then makes one of their ``creases``. The place is darkened by the ``spheres`` of the pose
    and the ``occluders`` that stand for things (x, y, z, radius). Its samples, ``planes``, are normal x, normal z,
    distance of the plane from the origin, share; far away where there is none. A thread does ``run`` of a row.
    """
    v, j, part = wp.tid()
    view = views[v]
    y = 2 * j
    i = part * run
    end = wp.min(i + run, planes.shape[2])
    while i < end:
        x = 2 * i
        sample = samples[v, j, i]
        creases[v, j, i] = 0.0
        if sample[3] > 0.0:
            creases[v, j, i] = crease(v, j, i, xyz(facing[view.slot, 0, y, x]), xyz(sample), samples, taps, meters)
        if color[view.slot, 1, y, x][3] > 0.0:
            n = xyz(facing[view.slot, 1, y, x])
            p = xyz(where[view.slot, 1, y, x])
            planes[v, j, i] = wp.vec4(n[0], n[2], wp.dot(n, p), beneath(view, n, p, spheres, occluders))
        else:
            planes[v, j, i] = wp.vec4(0.0, 0.0, AWAY, 0.0)
        i += 1


@wp.kernel
def settle(
    samples: wp.array3d(dtype=wp.vec4),
    creases: wp.array3d(dtype=float),
    settled: wp.array3d(dtype=wp.vec4),
    run: int,
):
    """Each sample of the person with its neighbors', so weighted that all turns of the taps have the same weight.

    ``settled`` are x, y, z, share.
    """
    v, j, part = wp.tid()
    i = part * run
    end = wp.min(i + run, samples.shape[2])
    bottom = samples.shape[1] - 1
    edge = samples.shape[2] - 1
    while i < end:
        sample = samples[v, j, i]
        share = float(0.0)
        if sample[3] > 0.0:
            p = xyz(sample)
            total = float(0.0)
            weight = float(0.0)
            for b in range(-1, 2):
                for a in range(-1, 2):
                    row = wp.clamp(j + b, 0, bottom)
                    column = wp.clamp(i + a, 0, edge)
                    w = near(samples[v, row, column], p) * float((2 - a * a) * (2 - b * b))
                    total += w * creases[v, row, column]
                    weight += w
            share = total / weight
        settled[v, j, i] = wp.vec4(sample[0], sample[1], sample[2], share)
        i += 1


@wp.func
def level(sample: wp.vec4, n: wp.vec3, distance: float, slack: float) -> float:
    """1 for a sample of the plane with this normal and distance from the origin, else 0."""
    apart = wp.abs(sample[2] - distance) + 20.0 * slack * (wp.abs(sample[0] - n[0]) + wp.abs(sample[1] - n[2]))
    return wp.where(apart < slack, 1.0, 0.0)


@wp.func
def on_person(samples: wp.array3d(dtype=wp.vec4), v: int, row: int, left: int, right: int, p: wp.vec3):
    """Sum of the shares of samples in a row that are near a point of the person, and their number."""
    a = samples[v, row, left]
    count = near(a, p)
    total = count * a[3]
    if right != left:
        b = samples[v, row, right]
        w = near(b, p)
        total += w * b[3]
        count += w
    return total, count


@wp.func
def on_plane(samples: wp.array3d(dtype=wp.vec4), v: int, row: int, left: int, right: int, n: wp.vec3, distance: float):
    """Sum of the shares of samples in a row that are of a plane of the place, and their number."""
    slack = 0.03 + 0.002 * wp.abs(distance)
    a = samples[v, row, left]
    count = level(a, n, distance, slack)
    total = count * a[3]
    if right != left:
        b = samples[v, row, right]
        w = level(b, n, distance, slack)
        total += w * b[3]
        count += w
    return total, count


@wp.kernel
def spread(
    views: wp.array(dtype=ViewParameters),
    color: wp.array4d(dtype=wp.vec4),
    facing: wp.array4d(dtype=wp.vec4),
    where: wp.array4d(dtype=wp.vec4),
    spheres: wp.array2d(dtype=wp.vec4),
    occluders: wp.array(dtype=wp.vec4),
    taps: wp.array3d(dtype=wp.vec2i),
    meters: float,
    samples: wp.array3d(dtype=wp.vec4),
    settled: wp.array3d(dtype=wp.vec4),
    planes: wp.array3d(dtype=wp.vec4),
    open_sky: wp.array4d(dtype=float),
    run: int,
):
    """Share of the sky that each layer of each pixel sees: the mean of the samples around that are of its surface.

    Where there is none it is worked out. A thread does ``run`` pixels of a row.
    """
    v, y, part = wp.tid()
    view = views[v]
    slot = view.slot
    above = y >> 1
    below = wp.min((y + 1) >> 1, planes.shape[1] - 1)
    edge = planes.shape[2] - 1
    x = part * run
    end = wp.min(x + run, color.shape[3])
    while x < end:
        left = x >> 1
        right = wp.min((x + 1) >> 1, edge)
        if color[slot, 0, y, x][3] > 0.0:
            p = xyz(where[slot, 0, y, x])
            total, count = on_person(settled, v, above, left, right, p)
            if below != above:
                more, others = on_person(settled, v, below, left, right, p)
                total += more
                count += others
            if count > 0.0:
                open_sky[v, 0, y, x] = total / count
            else:
                open_sky[v, 0, y, x] = crease(v, above, left, xyz(facing[slot, 0, y, x]), p, samples, taps, meters)
        if color[slot, 1, y, x][3] > 0.0:
            n = xyz(facing[slot, 1, y, x])
            p = xyz(where[slot, 1, y, x])
            distance = wp.dot(n, p)
            total, count = on_plane(planes, v, above, left, right, n, distance)
            if below != above:
                more, others = on_plane(planes, v, below, left, right, n, distance)
                total += more
                count += others
            if count > 0.0:
                open_sky[v, 1, y, x] = total / count
            else:
                open_sky[v, 1, y, x] = beneath(view, n, p, spheres, occluders)
        x += 1
