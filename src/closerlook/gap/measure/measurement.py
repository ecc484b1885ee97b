"""What is left of the images after the pass: scalars and inner products, and their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.arrays import Float, Int
from closerlook.attributes import Factor, Level
from closerlook.embedding import Block
from closerlook.errors import CloserlookError
from closerlook.gap.measure.cameras import Cameras
from closerlook.gap.measure.cells import membership, number_levels
from closerlook.gap.measure.products import group_products
from closerlook.gap.measure.shapes import ARRAYS, ARRAYS_NAME, IMAGES_NAME, check_arrays
from closerlook.gap.settings import REMEDY
from closerlook.gap.statistics.distributions import Distributions
from closerlook.storage.documents import parse_json
from closerlook.storage.keys import digest
from closerlook.storage.tables import read_parquet, write_parquet
from closerlook.storage.tensors import read_arrays, write_arrays

__all__ = ["Measurement"]

ABOUT: dict[str, Any] = {
    "blocks": tuple[Block, ...],
    "factors": tuple[tuple[str, tuple[Level, ...]], ...],
    "sketch_parts": tuple[tuple[int, int], ...],
    "exact": bool,
    "images": str,
}


@dataclass(frozen=True)
class Measurement:
    """Everything the analysis keeps of the images: scalars and inner products, unweighted, a block of Phi at a time.

    Letters in arrays' shapes: b blocks, n analyzed source images, c cells, l levels of all factors in order, h groups
    of target images, u units (the images of one cell and one group of people), r dimensions of the projection. m_t is
    the target's mean of Phi, m_a that of a set a of source images.

    Attributes:
        blocks: the embedding's blocks.
        factors: the attributes.
        cell_levels: (c, factors) level number of each cell.
        cell_images: (c,) how many images of the source each cell has, analyzed or not.
        images: one row per analyzed image: file_name, identity, the factors, row (in the source's table), cell, group.
        distances: (n, b) ||Phi_i - m_t||^2.
        cell_products: (b, c, c) <m_a - m_t, m_c - m_t> over cells: the squared distance to m_t of any mixture of cells
            with weights w that sum to 1 is w' cell_products w.
        unbiased_cell_products: (b, c, c) the same over pairs of images of different groups of people only, hence
            without bias.
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
        exact: whether ``cell_products`` and ``unbiased_cell_products`` are exact; else they come from the projections.
        distributions: of pooled features; None for style alone, or in a subset of a measurement.
        cameras: the target's, where two or more are known.
    """

    blocks: tuple[Block, ...]
    factors: tuple[Factor, ...]
    cell_levels: Int = field(repr=False)
    cell_images: Int = field(repr=False)
    images: pl.DataFrame = field(repr=False)
    distances: Float = field(repr=False)
    cell_products: Float = field(repr=False)
    unbiased_cell_products: Float = field(repr=False)
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
    def group_products(self) -> Float:
        """(groups, b, c, c): see :func:`closerlook.gap.measure.products.group_products`. Subsets are made from it."""
        cells = len(self.cell_levels)
        return group_products(self.units, self.unit_counts, self.unit_sketches, self.sketch_parts, cells)

    @cached_property
    def cell_of_image(self) -> Int:
        """(n,)"""
        return self.images["cell"].to_numpy()

    @cached_property
    def cell_counts(self) -> Int:
        """(c,) analyzed images of each cell."""
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
        """Write ``images.parquet`` and ``moments.safetensors``, which has the digest of both, into ``folder``."""
        write_parquet(self.images, folder / IMAGES_NAME)
        arrays = {name: getattr(self, name) for name in ARRAYS}
        for prefix, optional in (("pooled", self.distributions), ("camera", self.cameras)):
            if optional is not None:
                values = {each.name: getattr(optional, each.name) for each in fields(optional)}
                arrays |= {f"{prefix}.{name}": value for name, value in values.items()}
        metadata = {
            "blocks": json.dumps([asdict(block) for block in self.blocks]),
            "factors": json.dumps([[factor.name, factor.levels] for factor in self.factors]),
            "sketch_parts": json.dumps([[part.start, part.stop] for part in self.sketch_parts]),
            "exact": json.dumps(self.exact),
            "images": json.dumps(digest((folder / IMAGES_NAME).read_bytes())),
        }
        write_arrays(folder / ARRAYS_NAME, arrays, metadata)

    @classmethod
    def load(cls, folder: Path) -> Measurement:
        """Read what :meth:`save` wrote.

        Raises:
            CloserlookError: a file of it is missing or damaged, or they do not belong together.
        """
        path = folder / ARRAYS_NAME
        try:
            arrays, metadata = read_arrays(path, "analyze again")
        except OSError as error:
            raise CloserlookError(f"{error.filename or path} is missing. {REMEDY}") from None
        images = read_parquet(folder / IMAGES_NAME, remedy="analyze again")
        about = {
            name: parse_json(metadata.get(name, ""), kind, f"{path}: {name}", REMEDY) for name, kind in ABOUT.items()
        }
        factors = tuple(Factor(name, levels) for name, levels in about["factors"])
        if digest((folder / IMAGES_NAME).read_bytes()) != about["images"]:
            raise CloserlookError(f"{folder / IMAGES_NAME} is damaged: its checksum is wrong. {REMEDY}")
        check_arrays(arrays, images, about["blocks"], factors, about["sketch_parts"], folder)
        pooled, camera = (_below(arrays, prefix) for prefix in ("pooled", "camera"))
        return cls(
            blocks=about["blocks"],
            factors=factors,
            images=images,
            sketch_parts=tuple(slice(start, stop) for start, stop in about["sketch_parts"]),
            exact=about["exact"],
            distributions=Distributions(**pooled) if pooled else None,
            cameras=Cameras(**camera) if camera else None,
            **{name: arrays[name] for name in ARRAYS},
        )


def _below(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The arrays whose names begin so, without that."""
    return {name.partition(".")[2]: value for name, value in arrays.items() if name.startswith(f"{prefix}.")}
