"""Images through an embedding, batch by batch, reduced to what is kept of them while they are still in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from closerlook.compute.memory import keep_freed_memory
from closerlook.dataset import Dataset
from closerlook.dataset.images import read_image, resize
from closerlook.dataset.threads import map_in_threads
from closerlook.embedding import Embedder
from closerlook.errors import CloserlookError

__all__ = ["batch_size", "check_finite", "cut", "embed_rows", "run_pass"]

MAX_BATCH = {"cpu": 32, "cuda": 256}
BATCH_BYTES = 1 << 25  # of vectors; with their activations such a batch stays within a few hundred MiB
MAX_WORKERS = 4

R = TypeVar("R")


def batch_size(dim: int, device: torch.device | None) -> int:
    """Images at a time; small on a CPU, where activations should stay in its caches."""
    kind = "cpu" if device is None else device.type
    return max(1, min(MAX_BATCH.get(kind, 32), BATCH_BYTES // (4 * dim)))


def cut(rows: slice, size: int) -> Iterator[slice]:
    """``rows`` in pieces of ``size``; the last may be smaller."""
    return (slice(start, min(start + size, rows.stop)) for start in range(rows.start, rows.stop, size))


def embed_rows(data: Dataset, embedder: Embedder, rows: slice) -> Tensor:
    """Phi (b, d) float32 of these rows of the table."""
    return embedder(torch.from_numpy(_read(data, embedder, rows)))


def _read(data: Dataset, embedder: Embedder, rows: slice) -> np.ndarray:
    return np.stack([resize(read_image(path), embedder.size) for path in data.paths[rows]])


def run_pass(
    data: Dataset, embedder: Embedder, batches: Sequence[slice], reduce: Callable[[slice, Tensor], R]
) -> Iterator[tuple[slice, R]]:
    """Yields what ``reduce`` makes of each batch's rows and their Phi (b, d), in order.

    An embedder with a ``fingerprint`` (closerlook's own) may be called by several threads at once. Then each thread
    decodes, embeds and reduces batches of its own with its share of the cores: threads that never wait for each other
    beat threads that share every convolution. Any other embedder is called by this thread only, and the others decode.
    ``reduce`` may overwrite Phi and must not depend on other batches.

    Raises:
        CloserlookError: an image cannot be read.
    """
    keep_freed_memory()
    with _share_cores() as workers:
        if hasattr(embedder, "fingerprint"):
            work = map_in_threads(
                lambda rows: _reduced(rows, embed_rows(data, embedder, rows), reduce), batches, workers
            )
            yield from zip(batches, work, strict=True)
            return
    images = map_in_threads(lambda rows: _read(data, embedder, rows), batches, workers)
    for rows, pixels in zip(batches, images, strict=True):
        yield rows, _reduced(rows, embedder(torch.from_numpy(pixels)), reduce)


def _reduced(rows: slice, phi: Tensor, reduce: Callable[[slice, Tensor], R]) -> R:
    with torch.inference_mode():
        return reduce(rows, phi)


def check_finite(distances: Tensor, rows: slice, data: Dataset, embedder: Embedder) -> None:
    """Distances (b, blocks) must be numbers.

    Raises:
        CloserlookError: one is not; the message names the image.
    """
    finite = torch.isfinite(distances).all(dim=1)
    if not finite.all():
        bad = data.paths[rows.start + int(torch.argmin(finite.long()))]
        raise CloserlookError(f"Embedding '{embedder.name}' gives a value that is not finite for {bad}.")


@contextmanager
def _share_cores() -> Iterator[int]:
    """The number of threads to use; inside, each computes with its share of the cores."""
    threads = torch.get_num_threads()
    workers = min(threads, MAX_WORKERS)
    torch.set_num_threads(threads // workers)
    try:
        yield workers
    finally:
        torch.set_num_threads(threads)
