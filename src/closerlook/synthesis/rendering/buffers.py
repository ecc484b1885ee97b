"""Memory that the renderer's kernels read and write, kept from batch to batch.

Launches then find most of their arguments as they were, and nothing is asked of the system's memory again and again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from closerlook.compute.kernels import warp_array

__all__ = ["Buffers"]


class Buffers:
    """Named arrays on one device. They have room for a power of two of whatever their first axis counts.

    Args:
        device: where they are.
        shared: what NumPy writes is read in place; on a GPU it is copied.
    """

    def __init__(self, device: wp.Device, shared: bool) -> None:
        self._device = device
        self._shared = shared
        self._kept: dict[str, wp.array] = {}
        self._sent: dict[str, tuple[NDArray[Any], wp.array]] = {}
        self._room: dict[str, int] = {}
        self._read: dict[int, NDArray[Any]] = {}

    def capacity(self, name: str, count: int) -> int:
        """Room for so many and at least as many as ever before."""
        self._room[name] = max(self._room.get(name, 1), 1 << max(count - 1, 0).bit_length())
        return self._room[name]

    def upload(self, values: NDArray[Any], dtype: type) -> wp.array:
        """Values that stay as they are; on the CPU NumPy's memory, which nobody may write to any more."""
        if self._shared:
            return warp_array(values, dtype)
        return wp.array(np.ascontiguousarray(values), dtype=dtype, device=self._device)

    def send(self, name: str, values: NDArray[Any], dtype: type) -> wp.array:
        """Rows that differ from batch to batch, copied to the start of memory that stays."""
        kept = self._sent.get(name)
        if kept is None or len(kept[0]) < len(values) or kept[0].shape[1:] != values.shape[1:]:
            rows = np.zeros((self.capacity(name, len(values)), *values.shape[1:]), dtype=values.dtype)
            self._sent[name] = kept = rows, self.upload(rows, dtype)
        rows, array = kept
        rows[: len(values)] = values
        if not self._shared:
            array.assign(rows)
        return array

    def empty(self, name: str, shape: tuple[int, ...], dtype: type) -> wp.array:
        """Scratch memory of at least this many rows."""
        return self._keep(name, shape, dtype, wp.empty)

    def zeros(self, name: str, shape: tuple[int, ...], dtype: type) -> wp.array:
        """As :meth:`empty`, 0 when it is new."""
        return self._keep(name, shape, dtype, wp.zeros)

    def scratch(self, name: str, shape: tuple[int, ...], dtype: type) -> wp.array:
        """Scratch memory of exactly so many rows, of at least the rest of the shape."""
        kept = self._kept.get(name)
        if kept is None or kept.shape[0] != shape[0] or any(a < b for a, b in zip(kept.shape, shape, strict=True)):
            self._kept[name] = kept = wp.empty(shape, dtype=dtype, device=self._device)
        return kept

    def row(self, array: wp.array, number: int) -> NDArray[Any]:
        """A row of an array that is kept here, as NumPy reads it: on the CPU the memory itself."""
        if not self._shared:
            return np.asarray(array[number].numpy())
        if id(array) not in self._read:
            self._read[id(array)] = array.numpy()  # making Warp's array of a row would take three times as long
        return np.asarray(self._read[id(array)][number])

    def _keep(self, name: str, shape: tuple[int, ...], dtype: type, make: Any) -> wp.array:
        kept = self._kept.get(name)
        if kept is None or kept.shape[0] < shape[0] or kept.shape[1:] != shape[1:]:
            room = (self.capacity(name, shape[0]), *shape[1:])
            self._read.clear()  # arrays to come may have the identity of one that goes
            self._kept[name] = kept = make(room, dtype=dtype, device=self._device)
        return kept
