"""Starting Warp, whose kernels pose and render people, its devices, and how its kernels are compiled."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.errors import unknown

__all__ = ["KERNEL_OPTIONS", "find_device", "start_warp", "warp_array", "with_lanes"]

KERNEL_OPTIONS = {"enable_backward": False, "fast_math": True, "optimization_level": 3}


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


def warp_array(values: NDArray[Any], dtype: object) -> Any:
    """Warp's view of NumPy's memory, on the CPU: only what is not contiguous is copied."""
    return wp.array(np.ascontiguousarray(values), dtype=dtype, device="cpu", copy=False)


def with_lanes(
    name: str, lanes: type, kernels: Sequence[tuple[wp.Kernel, Mapping[str, object]]]
) -> tuple[wp.Kernel, ...]:
    """Kernels for lane vectors of one type, each given with the types of its arguments that hold them.

    They have a module of their own under ``name``: Warp compiles a module as a whole, and a process that uses both
    devices would compile the CPU's wide lanes for CUDA, too, which takes a minute.
    """
    module = wp.get_module(f"{name}.lanes{lanes._length_}")  # type: ignore[attr-defined]
    wp.set_module_options(KERNEL_OPTIONS, module)
    return tuple(wp.overload(wp.Kernel(kernel.func, module=module), dict(types)) for kernel, types in kernels)
