"""``analyze``: measure how far every attribute level of a source is from a target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from closerlook.compute.progress import console, step
from closerlook.dataset import Dataset
from closerlook.embedding import Embedder, open_embedding
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap.enlargement import unequal_blur
from closerlook.gap.gap import Gap
from closerlook.gap.measure.cells import Layout, choose_factors, lay_out
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.measure.partials import Partials, content_key
from closerlook.gap.measure.source import SourceSums, make_source_partials, measure_source
from closerlook.gap.measure.target import measure_target
from closerlook.gap.settings import Settings, saved_settings
from closerlook.storage.files import alone_in
from closerlook.storage.keys import digest

__all__ = ["analyze", "analyze_shard"]

CPU_IMAGES = 4096  # analyzed by default of either side where there is no GPU


def analyze(
    source: Dataset,
    target: Dataset,
    *,
    embedding: str | Embedder | Callable[[Tensor], Tensor] = "lite0",
    size: tuple[int, int] = (128, 64),
    factors: Sequence[str] | None = None,
    scaling: str = "balanced",
    alpha: float = 0.9,
    beta: float = 1.0,
    per_cell: int | None = None,
    bootstrap_unit: str = "images",
    seed: int = 0,
    out: str | Path | None = None,
    merge: Sequence[str | Path] = (),
) -> Gap:
    """How far every attribute level of ``source`` is from ``target``, over all pairs of images, in one pass over each.

    Args:
        source: images with attributes; at least one factor.
        target: real images; no label of theirs is used.
        embedding: ``lite0`` or ``vgg19`` (content + style), ``lite0-pooled``, ``resnet50-pooled``, ``vgg19-pooled``,
            ``module:function`` or the function itself, or a trained model.
        size: (height, width) at which named embeddings see the images.
        factors: the attributes to analyze; by default all that the source declares.
        scaling, alpha, beta: see :func:`closerlook.gap.losses.weigh`.
        per_cell: at most so many source images of each combination of levels; 0 for every image.
            By default every image where there is a GPU, else about 4,096 of either side.
        bootstrap_unit: ``images`` or ``cameras``: what the intervals draw anew on the target's side. Images are drawn
            in runs of neighbors; with cameras the intervals speak for other cameras of the kind, and are wider.
        seed: of the subsample, the projection and the bootstrap.
        out: a folder to save the gap in. What is finished is kept there: the same call resumes, and another scaling,
            alpha, beta or ``bootstrap_unit`` needs no new pass over the images.
        merge: folders where :func:`analyze_shard` has made shards of this analysis.

    Raises:
        CloserlookError: the source has no factor, the target fewer than two images, an image cannot be read.
        UsageError: an unknown embedding, factor or scaling; cameras that are not known; ``out`` holds the
            analysis of other data sets; a folder of ``merge`` holds no shard of this one.

    Example:
        >>> gap = cl.analyze(data, target.train, embedding="lite0-pooled", size=(64, 32))
        >>> gap.levels.select("factor", "level").head(2).rows()
        [('viewpoint', '0'), ('viewpoint', '90')]
    """
    asked = Task.prepare(source, target, embedding, size, factors, per_cell, seed, out, merge)
    with nullcontext() if out is None else alone_in(Path(out), "analyzing into"):
        measurement = asked.finished(source, target) or asked.measure()
        settings = Settings(
            source=source.name,
            target=target.name,
            source_images=len(source),
            target_images=len(target),
            embedding=asked.embedder.name,
            size=asked.embedder.size,
            scaling=scaling,
            alpha=alpha,
            beta=beta,
            per_cell=asked.per_cell,
            seed=seed,
            notes=asked.notes,
            bootstrap_unit=bootstrap_unit,
            key=asked.partials.key,
        )
        gap = Gap(measurement, settings)
        gap.weights  # noqa: B018 - a scaling that cannot be used is an error now, not when the gap is first read
        gap.target_units  # noqa: B018 - and so are cameras that are not known
        if out is not None:
            with step("Intervals, importance and tables"):
                gap.save(out)
            asked.partials.clear()
        return gap


def analyze_shard(
    source: Dataset,
    target: Dataset,
    shard: tuple[int, int],
    *,
    out: str | Path,
    embedding: str | Embedder | Callable[[Tensor], Tensor] = "lite0",
    size: tuple[int, int] = (128, 64),
    factors: Sequence[str] | None = None,
    per_cell: int | None = None,
    seed: int = 0,
) -> None:
    """The ``shard`` (i, n) of the work of :func:`analyze` with the same arguments: the i-th of n, counted from 1.

    Each shard can be made by another process or machine. ``analyze`` takes what lies in ``out``, and in the folders
    named in its ``merge``, and makes what is missing; the numbers are those of one analysis in one go. Image files
    that were copied must have kept their times of change (``cp -p``, ``rsync -a``).

    Example:
        >>> from closerlook.gap import analyze_shard
        >>> same = {"embedding": "lite0-pooled", "size": (64, 32)}
        >>> analyze_shard(data, target.train, (2, 2), out="second", **same)  # on another machine
        >>> len(cl.analyze(data, target.train, out="first", merge=["second"], **same).losses) == len(data)
        True
    """
    number, of = shard
    if not 1 <= number <= of:
        raise UsageError(f"Shard {number}/{of} does not exist: write 1/{of} to {of}/{of}.")
    asked = Task.prepare(source, target, embedding, size, factors, per_cell, seed, out, ())
    moments = measure_target(asked.target, asked.embedder, asked.partials)
    sums = SourceSums(asked.layout, moments.mean, asked.embedder.blocks, seed)
    for _ in make_source_partials(sums, asked.embedder, asked.partials, shard):
        pass


@dataclass(frozen=True)
class Task:
    """What is to be measured, and where its partials are."""

    layout: Layout
    target: Dataset
    embedder: Embedder
    per_cell: int | None
    seed: int
    notes: tuple[str, ...]
    partials: Partials

    @classmethod
    def prepare(
        cls,
        source: Dataset,
        target: Dataset,
        embedding: str | Embedder | Callable[[Tensor], Tensor],
        size: tuple[int, int],
        factors: Sequence[str] | None,
        per_cell: int | None,
        seed: int,
        out: str | Path | None,
        merge: Sequence[str | Path],
    ) -> Task:
        """Choose the images and name the work."""
        for side, data in (("source", source), ("target", target)):
            if not isinstance(data, Dataset):
                raise UsageError(f"The {side} is a {type(data).__name__}, not a data set: open it with open_dataset.")
        chosen = choose_factors(source, factors)
        embedder = open_embedding(embedding, size)
        sample = per_cell is None and not torch.cuda.is_available()
        cells = source.table.select(factor.name for factor in chosen).n_unique()
        limit = max(1, round(CPU_IMAGES / cells)) if sample else per_cell or None
        layout = lay_out(source, chosen, limit, seed)
        analyzed = _every(target, CPU_IMAGES) if sample else target
        names = [(factor.name, factor.levels) for factor in layout.factors]
        options = (names, layout.cell_images.tolist(), digest(layout.row.tobytes()), seed)
        key = content_key({"source": layout.data, "target": analyzed}, embedder, options)
        folder = None if out is None else Path(out)
        partials = Partials(folder, tuple(Path(other) for other in merge), key)
        notes = (*layout.notes, *unequal_blur(layout.data, analyzed, embedder.size))
        return cls(layout, analyzed, embedder, limit, seed, notes, partials)

    def finished(self, source: Dataset, target: Dataset) -> Measurement | None:
        """The measurement that the output folder already holds, if it is of the same images and embedding, and whole.

        Raises:
            UsageError: it is of data sets of other names.
        """
        folder = self.partials.folder
        saved = None if folder is None else saved_settings(folder)
        if folder is None or saved is None:
            return None
        if (saved.source, saved.target) != (source.name, target.name):
            raise UsageError(
                f"{folder} holds the analysis of {saved.source} against {saved.target}, not of {source.name} against "
                f"{target.name}: name another --out, or remove it."
            )
        if saved.key != self.partials.key:
            console.print(f"{folder} holds the analysis of other images, options or weights: measured anew")
            return None
        try:
            return Gap.load(folder).measurement
        except CloserlookError as error:
            console.print(f"Measured anew: {error}", highlight=False, markup=False)
            return None

    def measure(self) -> Measurement:
        """Both passes, as far as their partials are missing."""
        self.partials.check_others()
        moments = measure_target(self.target, self.embedder, self.partials)
        return measure_source(self.layout, moments, self.embedder, self.seed, self.partials)


def _every(data: Dataset, limit: int) -> Dataset:
    """At most ``limit`` images, evenly spread over the table."""
    if len(data) <= limit:
        return data
    return data.take(np.arange(limit) * len(data) // limit)
