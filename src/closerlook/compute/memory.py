"""How the process gets its memory."""

from __future__ import annotations

import ctypes
import platform
from functools import cache

__all__ = ["keep_freed_memory"]

# Parameters of glibc's mallopt(3)
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


@cache
def keep_freed_memory() -> None:
    """Let the allocator keep what is freed instead of handing it back to the system; no effect but on glibc.

    A network's activations are freed and asked for again in every step. By default glibc maps each large one anew and
    the kernel zeroes its pages each time: 15 to 40 % of the time that a small network takes on the CPU.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
