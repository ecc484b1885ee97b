"""Reading images: one resize, decoded in threads while the caller computes, or once into a cache.

Features change with the resize, so there is exactly one: Pillow's bilinear one, which is antialiased when it shrinks.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from closerlook.compute.progress import progress
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.fingerprint import files_digest
from closerlook.dataset.threads import map_in_threads
from closerlook.errors import UsageError
from closerlook.storage.files import atomic_path, cache_folder, explain_os_errors
from closerlook.storage.keys import DIGEST, digest

__all__ = ["image_array", "iter_images", "read_batch", "resize"]

CACHE_BYTES = 32 * 2**30
DECODER_VERSION = 2  # raise it when read_image or resize changes a pixel: caches of another version are not read

Size = tuple[int, int]


def resize(image: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    """The one resize: (h, w, 3) to ``size`` = (height, width), bilinear, antialiased when shrinking (Pillow's).

    An image that already has the size is returned as it is.
    """
    if image.shape[:2] == size:
        return image
    height, width = size
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def read_batch(files: Sequence[str | Path], size: Size) -> NDArray[np.uint8]:
    """Images of any size as (b, height, width, 3) uint8, each resized to ``size``."""
    batch = np.empty((len(files), *size, 3), np.uint8)
    for row, file in zip(batch, files, strict=True):
        row[:] = resize(read_image(file), size)
    return batch


def iter_images(dataset: Dataset, size: Size, batch_size: int = 64, workers: int = 2) -> Iterator[NDArray[np.uint8]]:
    """The images in table order, as batches (b, height, width, 3) uint8; the last one may be smaller.

    Threads decode up to ``workers + 1`` batches ahead of the caller, and no more is held in memory.

    Raises:
        CloserlookError: an image cannot be read.
    """
    if min(*size, batch_size, workers) < 1:
        raise UsageError(f"Size {size}, batch size {batch_size} and workers {workers} must all be at least 1.")
    files = dataset.files
    batches = (files[start : start + batch_size] for start in range(0, len(files), batch_size))
    yield from map_in_threads(lambda batch: read_batch(batch, size), batches, workers)


def image_array(dataset: Dataset, size: Size, workers: int = 2) -> NDArray[np.uint8]:
    """All images as one read-only memory map (n, height, width, 3) uint8, decoded once into the cache folder.

    The cache is keyed by every file's name, length and modification time and by ``size``, so a changed image is decoded
    again; a build that is interrupted leaves nothing behind, and an array that was cut short is made again. The arrays
    longest unused are removed when all of them take more than 32 GiB.
    """
    path = cache_folder("images") / f"{_content_key(dataset, size)}.npy"
    shape = (len(dataset), *size, 3)
    if not _is_whole(path, shape):
        _decode_all(dataset, size, workers, path)
        _make_room(path)
    path.touch()
    return np.memmap(path, np.uint8, "r", len(_header(shape)), shape)


def _header(shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()


def _is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is kept there, by header and length: to go through the pixels would take long."""
    header = _header(shape)
    with explain_os_errors(path):
        try:
            with path.open("rb") as file:
                return file.read(len(header)) == header and path.stat().st_size == len(header) + math.prod(shape)
        except FileNotFoundError:
            return False


def _decode_all(dataset: Dataset, size: Size, workers: int, path: Path) -> None:
    # Written in sequence, not through a memory map: on a full disk the latter kills the process instead of raising.
    with atomic_path(path) as draft, draft.open("wb") as file:
        file.write(_header((len(dataset), *size, 3)))
        with progress(f"Decoding {dataset.name}", len(dataset)) as advance:
            for batch in iter_images(dataset, size, workers=workers):
                file.write(batch.data)
                advance(len(batch))


def _make_room(newest: Path) -> None:
    """Remove the arrays longest unused; one that is still mapped somewhere stays readable there."""
    total = 0
    for path in sorted(newest.parent.glob("*.npy"), key=lambda path: path.stat().st_mtime, reverse=True):
        total += path.stat().st_size
        if total > CACHE_BYTES and path != newest:
            path.unlink()


def _content_key(dataset: Dataset, size: Size) -> str:
    files = dataset.files
    made_from = [DECODER_VERSION, size, str(dataset.root.resolve()), files_digest(files, files)]
    return digest(made_from).removeprefix(DIGEST)[:32]
