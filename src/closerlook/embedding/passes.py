"""Images through an embedding, batch by batch, reduced to what is kept of them while they are still in the cache."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import torch
from torch import Tensor

from closerlook.compute.memory import keep_freed_memory
from closerlook.dataset import Dataset
from closerlook.dataset.images import read_batch
from closerlook.dataset.threads import map_in_threads
from closerlook.embedding.embedder import Embedder

__all__ = ["batch_size", "cut", "embed", "run_pass", "share_cores"]

MAX_BATCH = {"cpu": 32, "cuda": 256}
BATCH_BYTES = 1 << 24  # of vectors; with their activations such a batch stays within a few hundred MiB
MAX_WORKERS = 4

R = TypeVar("R")


def batch_size(embedder: Embedder) -> int:
    """Images at a time; few on a CPU, whose caches are small."""
    most = MAX_BATCH.get(embedder.device.type, MAX_BATCH["cpu"])
    return max(1, min(most, BATCH_BYTES // (4 * embedder.dim)))


def cut(rows: slice, size: int) -> Iterator[slice]:
    """``rows`` in as few runs of at most ``size`` as it takes, of nearly one length: threads then end together."""
    images = rows.stop - rows.start
    count = -(-images // size)
    edges = [rows.start + images * number // count for number in range(count + 1)]
    return (slice(low, high) for low, high in itertools.pairwise(edges))


def embed(paths: list[Path], embedder: Embedder) -> Tensor:
    """Phi (b, d) float32 of image files."""
    return embedder(torch.from_numpy(read_batch(paths, embedder.size)))


def run_pass(
    data: Dataset, embedder: Embedder, batches: Sequence[slice], reduce: Callable[[slice, Tensor], R]
) -> Iterator[tuple[Tensor, R]]:
    """Yields each batch's Phi (b, d) and what ``reduce`` makes of its rows and their Phi, in order.

    An embedder that is ``parallel`` (closerlook's own) may be called by several threads at once. Then each thread
    decodes, embeds and reduces batches of its own with its share of the cores: threads that never wait for each other
    beat threads that share every convolution. Any other embedder is called by this thread only, and the others decode.
    ``reduce`` may overwrite Phi and must not depend on other batches. Phi is only valid until the next batch is asked
    for: vectors lie in a few buffers, however many images there are.

    Raises:
        CloserlookError: an image cannot be read.
    """
    keep_freed_memory()
    files = data.files

    def reduced(rows: slice, phi: Tensor) -> tuple[Tensor, R]:
        with torch.inference_mode():
            return phi, reduce(rows, phi)

    with share_cores() as workers:
        if embedder.parallel:
            largest = max((rows.stop - rows.start for rows in batches), default=0)
            free: SimpleQueue[Tensor] = SimpleQueue()
            for _ in range(workers + 1):  # one for each batch that is in work, waits its turn or is with the caller
                free.put(torch.empty(largest, embedder.dim, device=embedder.device))

            def work(rows: slice) -> tuple[Tensor, tuple[Tensor, R]]:
                buffer = free.get()
                images = torch.from_numpy(read_batch(files[rows], embedder.size))
                phi = buffer[: len(images)]
                embedder.write(images, phi)
                return buffer, reduced(rows, phi)

            for buffer, found in map_in_threads(work, batches, workers):
                yield found
                free.put(buffer)
            return
    images = map_in_threads(lambda rows: read_batch(files[rows], embedder.size), batches, workers)
    for rows, pixels in zip(batches, images, strict=True):
        yield reduced(rows, embedder(torch.from_numpy(pixels)))


@contextmanager
def share_cores() -> Iterator[int]:
    """Gives the number of threads to use; inside, each computes with its share of the cores."""
    threads = torch.get_num_threads()
    workers = min(threads, MAX_WORKERS)
    torch.set_num_threads(threads // workers)
    try:
        yield workers
    finally:
        torch.set_num_threads(threads)
