"""What an audit keeps of each image: its bytes' hash, its size, a small copy, and how dark and blurred it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from closerlook.compute.progress import progress
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.decoding import decode_image, read_bytes
from closerlook.dataset.images import resize
from closerlook.dataset.threads import map_in_threads
from closerlook.errors import CloserlookError

__all__ = ["Look", "look_at"]

THUMBNAIL = (16, 8)
JUDGED = (128, 64)  # the size at which detail is measured; smaller images as they are
HASH_SIDE = 16
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Look:
    """One image.

    Attributes:
        digest: of the file's bytes.
        size: (height, width).
        bits: (256,) difference hash: near duplicates differ in few.
        thumbnail: (16, 8, 3) float16, its mean removed.
        luminance: mean, 0 to 255.
        detail: mean absolute Laplacian of the luminance.
    """

    digest: bytes
    size: tuple[int, int]
    bits: NDArray[np.bool_] = field(repr=False)
    thumbnail: NDArray[np.float16] = field(repr=False)
    luminance: float
    detail: float


def look_at(dataset: Dataset, workers: int) -> Iterator[Look | str]:
    """A look at each image in table order, or the message that says why it cannot be read."""

    def read(row: int) -> Look | str:
        try:
            data = read_bytes(files[row])
            return _look(data, decode_image(data, files[row]))
        except CloserlookError as error:
            return str(error)

    files = dataset.files
    with progress(f"Reading {dataset.name}", len(dataset)) as advance:
        for found in map_in_threads(read, range(len(dataset)), workers):
            yield found
            advance(1)


def _look(data: bytes, image: NDArray[np.uint8]) -> Look:
    height, width = image.shape[:2]
    small = resize(image, (min(height, JUDGED[0]), min(width, JUDGED[1])))
    gray = small.astype(np.float32) @ LUMINANCE
    thumbnail = resize(image, THUMBNAIL).astype(np.float32)
    return Look(
        digest=hashlib.blake2b(data, digest_size=16).digest(),
        size=(height, width),
        bits=imagehash.dhash(Image.fromarray(small), HASH_SIDE).hash.ravel(),
        thumbnail=(thumbnail - thumbnail.mean()).astype(np.float16),
        luminance=float(gray.mean()),
        detail=_detail(gray),
    )


def _detail(gray: NDArray[np.float32]) -> float:
    if min(gray.shape) < 3:
        return 0.0
    middle = gray[1:-1, 1:-1]
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return float(np.abs(4 * middle - around).mean())
