"""The pass over the target: its mean, its spread and what its cameras see, in runs of images that follow one another.

Neighbors in a table are mostly frames of one person or scene, so runs of neighbors are close to independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from closerlook.arrays import Float, Int
from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.embedding import Embedder, pool, slices_of
from closerlook.embedding.passes import batch_size, cut, embed, run_pass
from closerlook.errors import CloserlookError
from closerlook.gap.measure.moments import center, check_finite, runs_of, squared_norms
from closerlook.gap.measure.partials import Arrays, Partials, collect

__all__ = ["MAX_CAMERAS", "RUNS", "TargetMoments", "cameras_of", "measure_target", "target_moments"]

RUNS = 16
MAX_CAMERAS = 32
POOLED_IMAGES = 4096


@dataclass(frozen=True)
class TargetMoments:
    """Moments of the target. Letters in shapes: h runs, k cameras, d dimensions, b blocks, p pooled features.

    Attributes:
        mean: (d,) float32 mean of Phi over all images, m_t; the center of everything below.
        cameras: names of the cameras; one where they are not known.
        counts: (h, k) images of each run and camera.
        offsets: (h, k, d) float32 mean of Phi - m_t over them; zero where there are none.
        distances: (h, k, b) sums of each block's ||Phi - m_t||^2.
        pooled: (m, p) float32 pooled features of at most 4,096 images, evenly spread; None for style alone.
        pooled_run: (m,) the run of each.
    """

    mean: Tensor = field(repr=False)
    cameras: tuple[int, ...]
    counts: Int
    offsets: Tensor = field(repr=False)
    distances: Float = field(repr=False)
    pooled: Tensor | None = field(repr=False)
    pooled_run: Int = field(repr=False)

    def means(self, axis: int) -> Tensor:
        """Mean of Phi - m_t over each run (``axis`` 1) or camera (``axis`` 0), (h or k, d) float64."""
        counts = torch.from_numpy(self.counts).to(self.offsets.device)
        sums = torch.zeros(self.counts.shape[1 - axis], len(self.mean), dtype=torch.float64, device=counts.device)
        for index in range(self.counts.shape[axis]):  # one at a time: in float64 all of them would be large
            sums += counts.select(axis, index)[:, None] * self.offsets.select(axis, index).double()
        return sums / counts.sum(dim=axis).clamp_min(1)[:, None]


def cameras_of(target: Dataset) -> tuple[tuple[int, ...], Int]:
    """The cameras, and which of them took each image (n,); one, -1, where any is unknown or there are more than 32."""
    camera = target.table["camera"]
    if camera.null_count() or camera.n_unique() > MAX_CAMERAS:
        return (-1,), np.zeros(len(target), np.int64)
    names, numbers = np.unique(camera.to_numpy(), return_inverse=True)
    return tuple(int(name) for name in names), numbers


def measure_target(target: Dataset, embedder: Embedder, partials: Partials) -> TargetMoments:
    """The pass over the target; a run is a piece.

    Raises:
        CloserlookError: it has fewer than two images, or the embedding is not finite.
    """
    if len(target) < 2:
        raise CloserlookError(f"The target {target.name} has {len(target)} image: at least 2 are needed.")
    runs, blocks = min(RUNS, len(target)), embedder.blocks
    cameras, camera = cameras_of(target)
    run = np.arange(len(target)) * runs // len(target)
    edges = np.searchsorted(run, np.arange(runs + 1))
    size = batch_size(embedder)
    pooled = np.zeros(len(target), bool)
    pooled[np.arange(min(POOLED_IMAGES, len(target))) * len(target) // min(POOLED_IMAGES, len(target))] = True

    def make(missing: list[int]) -> Iterator[Arrays]:
        if not missing:
            return
        about = embed(target.paths[:size], embedder).mean(dim=0)
        rows = [slice(int(edges[number]), int(edges[number + 1])) for number in missing]
        batches = [batch for chunk in rows for batch in cut(chunk, size)]

        def reduce(batch: slice, phi: Tensor) -> tuple[Tensor, Tensor | None]:
            features = pool(blocks, phi, torch.from_numpy(pooled[batch]))
            distances = center(phi, about, slices_of(blocks), runs_of(camera[batch]))
            check_finite(distances, target, batch, embedder.name)
            return distances, features

        stream = run_pass(target, embedder, batches, reduce)
        sums = torch.empty(len(cameras), embedder.dim, dtype=torch.float64, device=about.device)
        with progress(f"{embedder.name} of {target.name}", sum(chunk.stop - chunk.start for chunk in rows)) as advance:
            for chunk in rows:
                sums.zero_()
                norms = torch.zeros(len(cameras), len(blocks), dtype=torch.float64, device=about.device)
                kept = []
                for batch in cut(chunk, size):
                    phi, (distances, features) = next(stream)
                    for of_camera in runs_of(camera[batch]):
                        sums[camera[batch][of_camera.start]] += phi[of_camera.start]
                    norms.index_add_(0, torch.from_numpy(camera[batch]).to(norms.device), distances)
                    kept.append(features)
                    advance(batch.stop - batch.start)
                arrays = {"center": about, "sums": sums.float(), "distances": norms}
                if kept[0] is not None:
                    arrays["pooled"] = torch.cat(kept)  # type: ignore[arg-type]
                yield {name: value.numpy(force=True) for name, value in arrays.items()}

    counts = np.zeros((runs, len(cameras)), np.int64)
    np.add.at(counts, (run, camera), 1)
    arrays = collect(partials, [f"target-{number:02}" for number in range(runs)], make)
    return target_moments(arrays, counts, cameras, run[pooled], slices_of(blocks), embedder.device)


def target_moments(
    partials: Iterable[Arrays],
    counts: Int,
    cameras: tuple[int, ...],
    pooled_run: Int,
    parts: tuple[slice, ...],
    device: torch.device | None = None,
) -> TargetMoments:
    """Put the runs' sums about their first center together, about the mean of all images."""
    sums = torch.empty(*counts.shape, parts[-1].stop, device=device)
    distances = torch.empty(*counts.shape, len(parts), dtype=torch.float64, device=device)
    about, features = torch.empty(0), []
    for index, piece in enumerate(partials):  # one at a time: all of them twice would be large
        sums[index], distances[index] = torch.from_numpy(piece["sums"]), torch.from_numpy(piece["distances"])
        about = about if index else torch.from_numpy(piece["center"]).to(device)
        features += [piece["pooled"]] if "pooled" in piece else []
    number = torch.from_numpy(counts).to(device).double()
    total = torch.zeros(len(about), dtype=torch.float64, device=device)
    for offset in sums.flatten(0, 1):
        total += offset
    mean = (about + total / number.sum()).float()
    shift = mean.double() - about
    shift_norms = squared_norms(shift[None], parts)[0]
    for offset, images, norms in zip(sums.flatten(0, 1), number.flatten(), distances.flatten(0, 1), strict=True):
        moved = offset.double()  # of one run and camera: in float64 all of them would be large
        norms += images * shift_norms - 2 * torch.stack([moved[part] @ shift[part] for part in parts])
        offset.copy_((moved - images * shift) / images.clamp_min(1))
    # Identical images leave float32 rounding, not zero
    rounding = 1e-12 * squared_norms(mean.double()[None], parts)[0] * number.sum()
    distances[:, :, distances.sum(dim=(0, 1)) < rounding] = 0
    pooled = torch.from_numpy(np.concatenate(features)).to(device) if features else None
    return TargetMoments(mean, cameras, counts, sums, distances.clamp_min(0).numpy(force=True), pooled, pooled_run)
