"""The lesser and the greater of two numbers, inside kernels: one instruction each, which ``wp.min`` and ``wp.max`` are
not, for they mind what is not a number."""

# Warp types kernels, not Python:
# mypy: ignore-errors

from __future__ import annotations

import warp as wp


@wp.func
def lesser(a: float, b: float) -> float:
    return wp.where(a < b, a, b)


@wp.func
def greater(a: float, b: float) -> float:
    return wp.where(a > b, a, b)
