"""Starting Warp, whose kernels pose and render people, and its devices."""

from __future__ import annotations

import functools
import os
import sys

import warp as wp

from closerlook.errors import unknown

__all__ = ["find_device", "start_warp"]


@functools.cache
def start_warp() -> None:
    """Start Warp without the line that its native library writes to standard error where there is no CUDA driver."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        wp.init()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def find_device(name: str) -> str:
    """The full name of a device to render on: ``cpu``, ``cuda:0``, ...; ``cuda`` is the first GPU.

    Raises:
        UsageError: this machine has none of this name.
    """
    start_warp()
    known = [str(device.alias) for device in wp.get_devices()]
    full = "cuda:0" if name == "cuda" else name
    if full not in known:
        raise unknown("--device", name, known)
    return full
