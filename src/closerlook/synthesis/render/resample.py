"""Kernel for the way from the sensor's pixels to the image's: enlarge, soften or sharpen."""


# mypy: ignore-errors - kernels are typed by Warp

from __future__ import annotations

import warp as wp

wp.set_module_options({"enable_backward": False, "fast_math": True})


@wp.func
def tap(offset: float, softness: float) -> wp.vec3:
    """Weights of three neighbours for a point ``offset`` pixels (-0.5..0.5) from the middle one.

    The quadratic through the three values plus ``softness`` times their second difference: 0.125 makes it the quadratic
    B-spline, a negative value sharpens.
    """
    half = 0.5 * offset * offset
    return wp.vec3(half - 0.5 * offset + softness, 1.0 - 2.0 * half - 2.0 * softness, half + 0.5 * offset + softness)


@wp.kernel
def resample(
    source: wp.array4d(dtype=wp.uint8),
    height: int,
    width: int,
    softness: float,
    image: wp.array4d(dtype=wp.uint8),
):
    """Resample the (height, width) corner of each source image to the whole of ``image``."""
    n, y, x = wp.tid()
    v = (float(y) + 0.5) * float(height) / float(image.shape[1]) - 0.5
    u = (float(x) + 0.5) * float(width) / float(image.shape[2]) - 0.5
    cv = int(wp.floor(v + 0.5))
    cu = int(wp.floor(u + 0.5))
    wv = tap(v - float(cv), softness)
    wu = tap(u - float(cu), softness)
    total = wp.vec3()
    for b in range(3):
        row = wp.clamp(cv + b - 1, 0, height - 1)
        line = wp.vec3()
        for a in range(3):
            column = wp.clamp(cu + a - 1, 0, width - 1)
            line += (
                wp.vec3(
                    float(source[n, row, column, 0]), float(source[n, row, column, 1]), float(source[n, row, column, 2])
                )
                * wu[a]
            )
        total += line * wv[b]
    for ch in range(3):
        image[n, y, x, ch] = wp.uint8(wp.clamp(total[ch] + 0.5, 0.0, 255.0))
