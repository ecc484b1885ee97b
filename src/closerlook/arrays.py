"""Types of arrays, for annotations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bytes", "Float", "Float32", "Floating", "Int", "Int32"]

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Floating = NDArray[np.floating]  # of any precision
Int = NDArray[np.int64]
Int32 = NDArray[np.int32]
Bytes = NDArray[np.uint8]
