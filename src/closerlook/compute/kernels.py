"""Starting Warp, whose kernels pose and render people."""

from __future__ import annotations

import functools
import os
import sys

import warp as wp

__all__ = ["start_warp"]


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
