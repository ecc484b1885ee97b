"""``analyze``: measure how far every attribute level of a source is from a target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from closerlook.analysis.cells import choose_factors, lay_out
from closerlook.analysis.gap import Gap, Settings
from closerlook.analysis.measure import measure_source, measure_target
from closerlook.dataset import Dataset
from closerlook.embedding import Embedder, open_embedding

__all__ = ["analyze"]

CPU_IMAGES = 4096  # analysed by default of either side where there is no GPU


def analyze(
    source: Dataset,
    target: Dataset,
    *,
    embedding: str | Embedder = "lite0",
    size: tuple[int, int] = (128, 64),
    factors: Sequence[str] | None = None,
    scaling: str = "balanced",
    alpha: float = 0.9,
    beta: float = 1.0,
    per_cell: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
) -> Gap:
    """How far every attribute level of ``source`` is from ``target``, over all pairs of images, in one pass over each.

    Args:
        source: images with attributes; at least one factor.
        target: real images; no label of theirs is used.
        embedding: ``lite0`` or ``vgg19`` (content + style), ``lite0-pooled``, ``resnet50-pooled``, ``vgg19-pooled``,
            ``module:function``, or a trained model.
        size: (height, width) at which named embeddings see the images.
        factors: the attributes to analyse; by default all that the source declares.
        scaling, alpha, beta: see :func:`closerlook.analysis.losses.weigh`.
        per_cell: at most so many source images of each combination of levels; 0 for every image.
            By default every image where there is a GPU, else about 4,096 of either side.
        seed: of the subsample, the projection and the bootstrap.
        out: a folder to save the gap in.

    Raises:
        CloserlookError: the source has no factor, the target fewer than two images, an image cannot be read.
        UsageError: an unknown embedding, factor or scaling.
    """
    chosen = choose_factors(source, factors)
    embedder = open_embedding(embedding, size)
    sample = per_cell is None and not torch.cuda.is_available()
    if sample:
        cells = source.table.select(factor.name for factor in chosen).n_unique()
        per_cell = max(1, round(CPU_IMAGES / cells))
    layout = lay_out(source, chosen, per_cell or None, seed)
    analysed = _every(target, CPU_IMAGES) if sample else target
    measurement = measure_source(layout, measure_target(analysed, embedder), embedder, seed)
    settings = Settings(
        source=source.name,
        target=target.name,
        source_images=len(source),
        target_images=len(target),
        embedding=embedder.name,
        size=embedder.size,
        scaling=scaling,
        alpha=alpha,
        beta=beta,
        per_cell=per_cell or None,
        seed=seed,
        notes=layout.notes,
    )
    gap = Gap(measurement, settings)
    gap.weights  # noqa: B018 - a scaling that cannot be used is an error now, not when the gap is first read
    if out is not None:
        gap.save(out)
    return gap


def _every(data: Dataset, limit: int) -> Dataset:
    """At most ``limit`` images, evenly spread over the table."""
    if len(data) <= limit:
        return data
    return data.take(np.arange(limit) * len(data) // limit)
