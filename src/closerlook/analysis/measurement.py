"""What is left of the images after the pass: scalars and inner products, and their files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from closerlook.analysis.cameras import Cameras
from closerlook.analysis.cells import membership, number_levels
from closerlook.analysis.distributions import Distributions
from closerlook.attributes import Factor
from closerlook.embedding import Block
from closerlook.errors import CloserlookError
from closerlook.files import atomic_path
from closerlook.table_files import Kind, read_parquet, write_parquet

__all__ = ["Measurement"]

ARRAYS_NAME = "moments.safetensors"
IMAGES_NAME = "images.parquet"
ARRAYS = (
    "cell_levels",
    "cell_images",
    "distances",
    "cell_gaps",
    "cell_fits",
    "level_gaps",
    "level_target_dots",
    "target_counts",
    "target_distances",
    "target_bias",
    "units",
    "unit_counts",
    "unit_sketches",
    "target_sketches",
)

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Measurement:
    """Everything the analysis keeps of the images: scalars and inner products, unweighted, a block of Phi at a time.

    Letters in arrays' shapes: b blocks, n analysed source images, c cells, l levels of all factors in order, h groups
    of target images, u units (the images of one cell and one group of people), r dimensions of the projection. m_t is
    the target's mean of Phi, m_a that of a set a of source images.

    Attributes:
        blocks: the embedding's blocks.
        factors: the attributes.
        cell_levels: (c, factors) level number of each cell.
        cell_images: (c,) how many images of the source each cell has, analysed or not.
        images: a row an analysed image: file_name, identity, the factors, row (in the source's table), cell, group.
        distances: (n, b) ||Phi_i - m_t||^2.
        cell_gaps: (b, c, c) <m_a - m_t, m_c - m_t> over cells: the squared distance to m_t of any mixture of cells
            with weights w that sum to 1 is w' cell_gaps w.
        cell_fits: (b, c, c) the same over pairs of images of different groups of people only, hence without bias.
        level_gaps: (b, l) ||m_l - m_t||^2, always exact.
        level_target_dots: (b, l, h) <m_l - m_t, m_h - m_t>, always exact.
        target_counts: (h,) images.
        target_distances: (h, b) sums of ||Phi - m_t||^2.
        target_bias: (b,) tr Cov(m_t).
        units: (u, 2) the cell and the group of each unit.
        unit_counts: (u,) images.
        unit_sketches: (u, r) float32, projections of the units' m - m_t.
        target_sketches: (h, r) float32, projections of the target groups' m - m_t.
        sketch_parts: where each block lies in a projection.
        exact: whether ``cell_gaps`` and ``cell_fits`` are exact; else they come from the projections.
        distributions: of pooled features; None for style alone, or in a part of a measurement.
        cameras: the target's, where they are known; None in a part of a measurement.
    """

    blocks: tuple[Block, ...]
    factors: tuple[Factor, ...]
    cell_levels: Int = field(repr=False)
    cell_images: Int = field(repr=False)
    images: pl.DataFrame = field(repr=False)
    distances: Float = field(repr=False)
    cell_gaps: Float = field(repr=False)
    cell_fits: Float = field(repr=False)
    level_gaps: Float = field(repr=False)
    level_target_dots: Float = field(repr=False)
    target_counts: Int = field(repr=False)
    target_distances: Float = field(repr=False)
    target_bias: Float
    units: Int = field(repr=False)
    unit_counts: Int = field(repr=False)
    unit_sketches: NDArray[np.float32] = field(repr=False)
    target_sketches: NDArray[np.float32] = field(repr=False)
    sketch_parts: tuple[slice, ...] = field(repr=False)
    exact: bool
    distributions: Distributions | None = None
    cameras: Cameras | None = None

    @cached_property
    def cell_of_image(self) -> Int:
        """(n,)"""
        return self.images["cell"].to_numpy()

    @cached_property
    def cell_counts(self) -> Int:
        """(c,) analysed images of each cell."""
        return np.bincount(self.cell_of_image, minlength=len(self.cell_levels))

    @cached_property
    def groups(self) -> int:
        """How many groups of people there are."""
        return int(self.units[:, 1].max()) + 1

    @cached_property
    def levels_of_image(self) -> Int:
        """(n, factors) the levels of each image, numbered through all factors."""
        return number_levels(self.factors, self.cell_levels)[self.cell_of_image]

    @cached_property
    def members(self) -> Float:
        """(l, c) which cells each level consists of, ones and zeros."""
        return membership(self.factors, self.cell_levels)

    @cached_property
    def target_spread(self) -> Float:
        """(b,) tr Cov_t of each block, unbiased: half the mean distance of target images of different groups."""
        return np.asarray(self.target_distances.sum(axis=0) / self.target_counts.sum() + self.target_bias)

    def save(self, folder: Path) -> None:
        """Write ``moments.safetensors`` and ``images.parquet`` into ``folder``."""
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in ARRAYS}
        for prefix, optional in (("pooled", self.distributions), ("camera", self.cameras)):
            if optional is not None:
                values = {each.name: getattr(optional, each.name) for each in fields(optional)}
                arrays |= {f"{prefix}.{name}": np.ascontiguousarray(value) for name, value in values.items()}
        metadata = {
            "blocks": json.dumps([asdict(block) for block in self.blocks]),
            "factors": json.dumps([[factor.name, factor.levels] for factor in self.factors]),
            "sketch_parts": json.dumps([[part.start, part.stop] for part in self.sketch_parts]),
            "exact": json.dumps(self.exact),
        }
        with atomic_path(folder / ARRAYS_NAME) as draft:
            save_file(arrays, draft, metadata)
        write_parquet(self.images, folder / IMAGES_NAME)

    @classmethod
    def load(cls, folder: Path) -> Measurement:
        """Read what :meth:`save` wrote."""
        with safe_open(folder / ARRAYS_NAME, "np") as file:
            arrays = {name: file.get_tensor(name) for name in ARRAYS}
            pooled, camera = (_read(file, prefix) for prefix in ("pooled", "camera"))
            metadata = {name: json.loads(value) for name, value in file.metadata().items()}
        factors = tuple(Factor(name, tuple(levels)) for name, levels in metadata["factors"])
        return cls(
            blocks=tuple(Block(**block) for block in metadata["blocks"]),
            factors=factors,
            images=_read_images(folder / IMAGES_NAME, factors, arrays["cell_levels"], arrays["distances"]),
            sketch_parts=tuple(slice(start, stop) for start, stop in metadata["sketch_parts"]),
            exact=metadata["exact"],
            distributions=Distributions(**pooled) if pooled else None,
            cameras=Cameras(**camera) if camera else None,
            **arrays,
        )


def _read_images(path: Path, factors: Sequence[Factor], cell_levels: Int, distances: Float) -> pl.DataFrame:
    """The table of analysed images, whose cells are rows of ``cell_levels`` (c, factors), each with its ``distances``
    (n, b)."""
    columns: dict[str, Kind] = {"file_name": "text", "identity": "whole numbers", "row": "whole numbers"}
    columns |= {"cell": "whole numbers", "group": "whole numbers"}
    for factor in factors:
        columns[factor.name] = "text" if any(isinstance(level, str) for level in factor.levels) else "numbers"
    images = read_parquet(path, columns, remedy="analyze again")
    if images.height != len(distances):
        raise CloserlookError(
            f"{path} is damaged: it has {images.height:,} rows for {len(distances):,} images; analyze again."
        )
    needed = images.select("file_name", "row", "cell", "group")
    if sum(needed.null_count().row(0)) or not images["cell"].is_between(0, len(cell_levels) - 1).all():
        raise CloserlookError(f"{path} is damaged: a row lacks its image or its cell; analyze again.")
    return images


def _read(file: Any, prefix: str) -> dict[str, Any]:
    """The arrays of an open file whose names begin so."""
    names = [name for name in file.keys() if name.startswith(f"{prefix}.")]  # noqa: SIM118 - it is no dictionary
    return {name.partition(".")[2]: file.get_tensor(name) for name in names}
