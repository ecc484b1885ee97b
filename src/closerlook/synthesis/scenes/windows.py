"""The detector's box: which window of what a camera sees becomes the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np

from closerlook.arrays import Float, Float32
from closerlook.synthesis.scenes.camera import Crop

__all__ = ["SENSOR", "windows"]

SENSOR = (36.0, 20.25)  # millimeters that ``Camera.focal`` refers to
LEAST_LEFT = 0.1  # of a box's width and height that a frame leaves; a box that lies outside of it is not cut


def windows(crops: Sequence[Crop], across: Float32, above: Float32, focal: Float, size: tuple[int, int]) -> Float:
    """(V, 4) center x and y, half width and half height of the boxes around an outline, as in ``Frame.window``.

    Args:
        crops: of each of V views.
        across, above: (V, m) right and up of points of the outline, on the plane at distance 1 before the eye.
        focal: (V,) millimeters.
        size: image (height, width); sets the shape of an unstretched box.
    """
    numbers = np.array([astuple(crop) for crop in crops], np.float64).T
    tall, aspect, right, down, fit, margin_left, margin_top, margin_right, margin_bottom, cut, _ = numbers
    bottom, top = above.min(1).astype(np.float64), above.max(1).astype(np.float64)
    # A detector centers on the trunk as much as on the outline, so that one outstretched arm moves the box by half.
    tenth = across.shape[1] // 10
    leftmost, left, at_right, rightmost = np.sort(across, axis=1)[:, [0, tenth, -1 - tenth, -1]].T.astype(np.float64)
    middle = (leftmost + left + at_right + rightmost) / 4
    middle = middle + fit * ((leftmost + rightmost) / 2 - middle)
    half_height = tall * (top - bottom) / 2
    half_width = half_height * size[1] / size[0]
    half_width = (half_width + fit * ((rightmost - leftmost) / 2 - half_width)) * aspect
    x = middle + right * (top - bottom) + (margin_right - margin_left) * half_width
    y = (top + bottom) / 2 - down * (top - bottom) + (margin_top - margin_bottom) * half_height
    half_width = half_width * (1 + margin_left + margin_right)
    half_height = half_height * (1 + margin_top + margin_bottom)
    box = np.stack([x, y, half_width, half_height], axis=1)
    return np.where(cut[:, None] > 0, _cut(box, focal), box)


def _cut(box: Float, focal: Float) -> Float:
    """The boxes without what lies beyond the frames of cameras with these focal lengths."""
    edge = np.array(SENSOR) / 2 / focal[:, None]
    low = np.clip(box[:, :2] - box[:, 2:], -edge, edge)
    high = np.clip(box[:, :2] + box[:, 2:], -edge, edge)
    inside = (high - low > 2 * LEAST_LEFT * box[:, 2:]).all(1, keepdims=True)
    return np.where(inside, np.concatenate([(low + high) / 2, (high - low) / 2], axis=1), box)
