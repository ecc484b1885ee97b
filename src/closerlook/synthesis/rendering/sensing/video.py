"""Kernels for the video that an image was cut from: H.264's transform, quantizer and deblocking filter.

What is seen of a codec is what its quantizer took: fine texture, weak color, steps between 4 x 4 blocks. So pictures
are coded as ITU-T H.264 does (its clauses are given below), color at half the resolution, but each block by itself
where an encoder codes the difference from a prediction: that saves bits and hardly changes what is lost (the PSNR of
rendered images is the same to 0.1 dB, their spectra to 0.3 dB), and blocks need not wait for one another. All edges are
filtered as those inside an intra-coded macroblock, first across, then down.

A *canvas* is the picture as the codec sees it: brightness above, the two colors side by side below it. Each of its
*lane vectors* holds a sample of several pictures, so that on the CPU the arithmetic is SIMD; on CUDA there is one lane.
All is integer arithmetic, as in the standard, and so the same everywhere.
"""

# ruff: noqa: UP018, RUF046 - to Warp, the cast makes a variable of a constant
# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.compute.kernels import KERNEL_OPTIONS, with_lanes
from closerlook.synthesis.scenes.sensor import Sensor

__all__ = ["lanes_on", "overloads", "through_video"]

wp.set_module_options(KERNEL_OPTIONS)

Launch = Callable[[wp.Kernel, tuple[int, ...], list[object]], None]

GRID = 8  # pixels either way after which blocks of brightness and of color begin anew
LANES = 8  # pictures at once on the CPU
LOW, HIGH = wp.constant(-128), wp.constant(127)
# Columns of the table of :func:`quantizers`; the first two hold a number for each class of coefficient
FACTOR, STEP, BITS, DEAD, ALPHA, BETA, REACH = (wp.constant(column) for column in (0, 3, 6, 7, 8, 9, 10))

# Clauses 8.5.9 and 8.5.12 (the steps) and the factors that undo them (Malvar et al. 2003, table 2), by QP modulo 6, for
# coefficients that are even both ways, odd both ways, and the rest
STEPS = ((10, 16, 13), (11, 18, 14), (13, 20, 16), (14, 23, 18), (16, 25, 20), (18, 29, 23))
FACTORS = (
    (13107, 5243, 8066),
    (11916, 4660, 7490),
    (10082, 4194, 6554),
    (9362, 3647, 5825),
    (8192, 3355, 5243),
    (7282, 2893, 4559),
)
# Table 8-15: QP of color from 30 on; table 8-16 and 8-17: thresholds of the filter, and its reach for strength 3
COLOR_QP = (29, 30, 31, 32, 32, 33, 34, 34, 35, 35, 36, 36, 37, 37, 37, 38, 38, 38, 39, 39, 39, 39)
ALPHAS = (
    *(0,) * 16,
    *(4, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 17, 20, 22, 25, 28, 32, 36),
    *(40, 45, 50, 56, 63, 71, 80, 90, 101, 113, 127, 144, 162, 182, 203, 226, 255, 255),
)
BETAS = (
    *(0,) * 16,
    *(2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 6, 6, 7, 7, 8, 8, 9, 9),
    *(10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 18, 18),
)
REACHES = (
    *(0,) * 17,
    *(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3),
    *(4, 4, 4, 5, 6, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18, 20, 23, 25),
)


@functools.lru_cache(maxsize=64)
def quantizers(qp: int) -> NDArray[np.int32]:
    """(2, 11) what a quantizer parameter, 0 to 51, stands for, for brightness and for color."""
    rows = []
    for plane_qp in (qp, qp if qp < 30 else COLOR_QP[qp - 30]):
        bits, steps = 15 + plane_qp // 6, [step << plane_qp // 6 for step in STEPS[plane_qp % 6]]
        rows.append(
            [
                *FACTORS[plane_qp % 6],
                *steps,
                bits,
                (1 << bits) // 3,
                ALPHAS[plane_qp],
                BETAS[plane_qp],
                REACHES[plane_qp],
            ]
        )
    return np.array(rows, dtype=np.int32)


def canvas_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the canvas for a picture that lies anywhere among the blocks."""
    across, down = (-(-(pixels + GRID - 1) // GRID) * GRID for pixels in (width, height))
    return down + down // 2, across


@wp.kernel
def enter(
    image: wp.array2d(dtype=wp.vec3ub),
    first: int,
    height: int,
    width: int,
    down: int,
    right: int,
    rows: int,
    canvas: wp.array2d(dtype=Any),
):
    """Pictures from number ``first`` on to brightness and color about 0, so far down and to the right in the canvas.

    As JPEG converts them (ITU-T T.871), in steps of 1/256; four pixels share their mean color.
    """
    group, v, u = wp.tid()
    top = group * rows
    none = type(canvas[0, 0])(0)
    reds = type(none)(0)
    greens = type(none)(0)
    blues = type(none)(0)
    start = first + group * len(none)
    count = wp.min(image.shape[0] - start, len(none))
    for k in range(4):
        y = wp.clamp(v * 2 + k / 2 - down, 0, height - 1)
        x = wp.clamp(u * 2 + k % 2 - right, 0, width - 1)
        pixel = y * width + x
        red = type(none)(0)
        green = type(none)(0)
        blue = type(none)(0)
        lane = int(0)
        while lane < count:
            c = image[start + lane, pixel]
            red[lane] = int(c[0])
            green[lane] = int(c[1])
            blue[lane] = int(c[2])
            lane += 1
        gray = red * 77 + green * 150 + blue * 29 + type(none)(128)
        canvas[top + v * 2 + k / 2, u * 2 + k % 2] = (gray >> type(none)(8)) - type(none)(128)
        reds += red
        greens += green
        blues += blue
    bias = type(none)(512)
    shift = type(none)(10)
    row = top + rows / 3 * 2 + v
    canvas[row, u] = (blues * 128 - reds * 43 - greens * 85 + bias) >> shift
    canvas[row, canvas.shape[1] / 2 + u] = (reds * 128 - greens * 107 - blues * 21 + bias) >> shift


@wp.kernel
def forward(rows: int, down: int, canvas: wp.array2d(dtype=Any)):
    """The forward transform (Malvar et al. 2003, figure 1) of every block's columns if ``down``, else of its rows."""
    group, v, u = wp.tid()
    dy = wp.where(down != 0, 1, 0)
    dx = 1 - dy
    y = group * rows + v * (1 + 3 * dy)
    x = u * (1 + 3 * dx)
    a = canvas[y, x]
    b = canvas[y + dy, x + dx]
    c = canvas[y + 2 * dy, x + 2 * dx]
    d = canvas[y + 3 * dy, x + 3 * dx]
    outer = a - d
    inner = b - c
    canvas[y, x] = a + d + b + c
    canvas[y + dy, x + dx] = outer + outer + inner
    canvas[y + 2 * dy, x + 2 * dx] = a + d - b - c
    canvas[y + 3 * dy, x + 3 * dx] = outer - inner - inner


@wp.kernel
def quantize(table: wp.array2d(dtype=int), rows: int, canvas: wp.array2d(dtype=Any)):
    """Every coefficient as the decoder reads it: what is below two thirds of a step is gone."""
    group, row, x = wp.tid()
    y = group * rows + row
    plane = wp.where(row * 3 < rows * 2, 0, 1)
    kind = wp.where(row % 2 == x % 2, row % 2, 2)
    value = canvas[y, x]
    sign = value >> type(value)(31)
    size = (value ^ sign) - sign
    level = (size * table[plane, FACTOR + kind] + type(value)(table[plane, DEAD])) >> type(value)(table[plane, BITS])
    level = level * table[plane, STEP + kind]
    canvas[y, x] = (level ^ sign) - sign


@wp.kernel
def inverse(rows: int, canvas: wp.array2d(dtype=Any)):
    """The inverse transform (clause 8.5.12.2) of every block's rows."""
    group, row, column = wp.tid()
    y = group * rows + row
    x = column * 4
    a = canvas[y, x]
    b = canvas[y, x + 1]
    c = canvas[y, x + 2]
    d = canvas[y, x + 3]
    one = type(a)(1)
    odds = (b >> one) - d
    evens = b + (d >> one)
    canvas[y, x] = a + c + evens
    canvas[y, x + 1] = a - c + odds
    canvas[y, x + 2] = a - c - odds
    canvas[y, x + 3] = a + c - evens


@wp.kernel
def decode(rows: int, canvas: wp.array2d(dtype=Any)):
    """The inverse transform of every block's columns, and what it gives rounded to samples."""
    group, row, x = wp.tid()
    y = group * rows + row * 4
    a = canvas[y, x]
    b = canvas[y + 1, x]
    c = canvas[y + 2, x]
    d = canvas[y + 3, x]
    one = type(a)(1)
    half = type(a)(32)
    bits = type(a)(6)
    low = type(a)(LOW)
    high = type(a)(HIGH)
    odds = (b >> one) - d
    evens = b + (d >> one)
    canvas[y, x] = wp.min(wp.max((a + c + evens + half) >> bits, low), high)
    canvas[y + 1, x] = wp.min(wp.max((a - c + odds + half) >> bits, low), high)
    canvas[y + 2, x] = wp.min(wp.max((a - c - odds + half) >> bits, low), high)
    canvas[y + 3, x] = wp.min(wp.max((a + c - evens + half) >> bits, low), high)


@wp.func
def below(value: Any, limit: int) -> Any:
    """1 where a magnitude is less than the limit, 0 elsewhere."""
    return wp.min(wp.max(type(value)(limit) - value, type(value)(0)), type(value)(1))


@wp.kernel
def deblock(table: wp.array2d(dtype=int), down: int, rows: int, canvas: wp.array2d(dtype=Any)):
    """Filter the edges between blocks (clause 8.7.2.3), those to the right of a block or, if ``down``, those below it.

    A thread goes along its row or column: the filter of an edge sees what that of the last one has left.
    """
    group, line = wp.tid()
    luma_rows = rows / 3 * 2
    half = canvas.shape[1] / 2
    length = wp.where(down != 0, rows, canvas.shape[1])
    dy = wp.where(down != 0, 1, 0)
    dx = 1 - dy
    at = int(4)
    while at < length:
        y = wp.where(down != 0, at, line)
        x = wp.where(down != 0, line, at)
        plane = wp.where(y < luma_rows, 0, 1)
        seam = (down != 0 and at == luma_rows) or (down == 0 and plane == 1 and at == half)
        y += group * rows
        if not seam:
            p0 = canvas[y - dy, x - dx]
            p1 = canvas[y - 2 * dy, x - 2 * dx]
            q0 = canvas[y, x]
            q1 = canvas[y + dy, x + dx]
            beta = table[plane, BETA]
            on = below(wp.abs(p0 - q0), table[plane, ALPHA])
            on = wp.cw_mul(on, wp.cw_mul(below(wp.abs(p1 - p0), beta), below(wp.abs(q1 - q0), beta)))
            one = type(p0)(1)
            reach = type(p0)(table[plane, REACH])
            limit = reach + one
            if plane == 0:
                p2 = canvas[y - 3 * dy, x - 3 * dx]
                q2 = canvas[y + 2 * dy, x + 2 * dx]
                flat_p = below(wp.abs(p2 - p0), beta)
                flat_q = below(wp.abs(q2 - q0), beta)
                limit = reach + flat_p + flat_q
                middle = (p0 + q0 + one) >> one
                p_step = wp.min(wp.max((p2 + middle - p1 - p1) >> one, -reach), reach)
                q_step = wp.min(wp.max((q2 + middle - q1 - q1) >> one, -reach), reach)
                canvas[y - 2 * dy, x - 2 * dx] = p1 + wp.cw_mul(p_step, wp.cw_mul(on, flat_p))
                canvas[y + dy, x + dx] = q1 + wp.cw_mul(q_step, wp.cw_mul(on, flat_q))
            step = ((q0 - p0) * 4 + p1 - q1 + type(p0)(4)) >> type(p0)(3)
            step = wp.cw_mul(wp.min(wp.max(step, -limit), limit), on)
            low = type(p0)(LOW)
            high = type(p0)(HIGH)
            canvas[y - dy, x - dx] = wp.min(wp.max(p0 + step, low), high)
            canvas[y, x] = wp.min(wp.max(q0 - step, low), high)
        at += 4


@wp.kernel
def leave(
    canvas: wp.array2d(dtype=Any),
    first: int,
    height: int,
    width: int,
    down: int,
    right: int,
    rows: int,
    image: wp.array2d(dtype=wp.vec3ub),
):
    """The pictures back from the canvas, color between its samples by linear interpolation."""
    group, v, u = wp.tid()
    top = group * rows
    color = top + rows / 3 * 2
    half = canvas.shape[1] / 2
    none = type(canvas[0, 0])(0)
    start = first + group * len(none)
    count = wp.min(image.shape[0] - start, len(none))
    bits = type(none)(12)
    brightest = type(none)(255)
    # Three quarters of the own color and a quarter of the neighbor's, first across, then down
    left = wp.max(u - 1, 0)
    beyond = wp.min(u + 1, half - 1)
    for i in range(2):
        row = color + wp.clamp(v + 2 * i - 1, 0, rows / 3 - 1)
        blue = canvas[color + v, u] * 3 + canvas[row, u]
        red = canvas[color + v, half + u] * 3 + canvas[row, half + u]
        y = v * 2 + i - down
        for k in range(2):
            x = u * 2 + k - right
            if y >= 0 and x >= 0 and y < height and x < width:
                aside = wp.where(k == 0, left, beyond)
                cb = blue * 3 + canvas[color + v, aside] * 3 + canvas[row, aside]
                cr = red * 3 + canvas[color + v, half + aside] * 3 + canvas[row, half + aside]
                gray = canvas[top + v * 2 + i, u * 2 + k] * 4096 + type(none)(128 * 4096 + 2048)
                r = wp.min(wp.max((gray + cr * 359) >> bits, type(none)(0)), brightest)
                g = wp.min(wp.max((gray - cb * 88 - cr * 183) >> bits, type(none)(0)), brightest)
                b = wp.min(wp.max((gray + cb * 454) >> bits, type(none)(0)), brightest)
                pixel = y * width + x
                lane = int(0)
                while lane < count:
                    image[start + lane, pixel] = wp.vec3ub(wp.uint8(r[lane]), wp.uint8(g[lane]), wp.uint8(b[lane]))
                    lane += 1


@functools.cache
def overloads(lanes: type) -> tuple[wp.Kernel, ...]:
    """The kernels for lane vectors of one type."""
    types = {"canvas": wp.array2d(dtype=lanes)}
    kernels = (enter, forward, quantize, inverse, decode, deblock, leave)
    return with_lanes(__name__, lanes, [(kernel, types) for kernel in kernels])


def lanes_on(device: wp.Device) -> type:
    """The lane vector for a device."""
    return wp.types.vector(LANES if device.is_cpu else 1, wp.int32)


@functools.lru_cache(maxsize=1)
def _canvas(shape: tuple[int, int], lanes: type, device: str) -> wp.array:
    return wp.empty(shape, dtype=lanes, device=device)


def through_video(image: wp.array, size: tuple[int, int], sensor: Sensor, launch: Launch) -> None:
    """Code and decode pictures, in place, as the video of a sensor does; ``image`` is as expose.expose writes it."""
    height, width = size
    rows, columns = canvas_size(height, width)
    lanes = lanes_on(image.device)
    groups = 1 if image.device.is_cpu else len(image)  # on the CPU one after the other, to stay in the caches
    canvas = _canvas((groups * rows, columns), lanes, str(image.device))
    table = wp.array(quantizers(sensor.video), dtype=wp.int32, device=image.device)
    enter, forward, quantize, inverse, decode, deblock, leave = overloads(lanes)
    quarters = (groups, rows // 3, columns // 2)
    across, down = (groups, rows, columns // 4), (groups, rows // 4, columns)
    for first in range(0, len(image), groups * lanes._length_):
        place = [first, height, width, sensor.grid_down, sensor.grid_right, rows]
        launch(enter, quarters, [image, *place, canvas])
        launch(forward, down, [rows, 1, canvas])
        launch(forward, across, [rows, 0, canvas])
        launch(quantize, (groups, rows, columns), [table, rows, canvas])
        launch(inverse, across, [rows, canvas])
        launch(decode, down, [rows, canvas])
        launch(deblock, (groups, rows), [table, 0, rows, canvas])
        launch(deblock, (groups, columns), [table, 1, rows, canvas])
        launch(leave, quarters, [canvas, *place, image])
