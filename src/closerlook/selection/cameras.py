"""The gap to one camera of the target, on which everything else can be asked: any plan can be a camera's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from closerlook.errors import CloserlookError, unknown
from closerlook.gap import Gap
from closerlook.gap.measure.subset import part

__all__ = ["camera_gap", "camera_names"]


def camera_names(gap: Gap) -> list[int]:
    """The target's cameras; empty where fewer than two are known.

    Example:
        >>> from closerlook.selection import camera_names
        >>> camera_names(gap)
        [1, 2]
    """
    cameras = gap.measurement.cameras
    return [] if cameras is None else [int(name) for name in cameras.names]


def camera_gap(gap: Gap, camera: int) -> Gap:
    """The gap to one camera's images alone; it rests on the projections.

    Raises:
        UsageError: the target has no such camera.
        CloserlookError: its cameras are not known, or this one's images are too few to tell how sure anything is.

    Example:
        >>> from closerlook.selection import camera_gap
        >>> cl.select(camera_gap(gap, 2)).images <= len(data)
        True
    """
    cameras = gap.measurement.cameras
    if cameras is None:
        raise CloserlookError(
            "The target's cameras are not known: its table needs a 'camera' column with at least two."
        )
    if camera not in camera_names(gap):
        raise unknown("camera of the target", camera, camera_names(gap))
    own = camera_names(gap).index(camera)
    runs = cameras.counts[:, own] > 0
    if runs.sum() < 2:
        raise CloserlookError(f"Camera {camera} has its images in one run of the target's table: too few to judge by.")
    alone = replace(
        gap.measurement,
        target_counts=cameras.counts[runs, own],
        target_sketches=cameras.sketches[runs, own],
        target_distances=cameras.distances[runs, own],
        cameras=None,
        distributions=None,
    )
    measurement = part(alone, np.ones(alone.groups, bool), np.ones(int(runs.sum()), bool))
    name = f"{gap.settings.target}, camera {camera}"  # one camera alone: its runs are drawn
    return replace(gap, measurement=measurement, settings=replace(gap.settings, target=name, bootstrap_unit="images"))
