"""A measurement on disk: arrays as safetensors, its image table as Parquet, never pickle."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from safetensors import safe_open
from safetensors.numpy import save_file

from closerlook.analysis.measure import Measurement
from closerlook.attributes import Factor
from closerlook.embedding import Block
from closerlook.files import atomic_path

__all__ = ["load_measurement", "save_measurement"]

ARRAYS_NAME = "moments.safetensors"
IMAGES_NAME = "images.parquet"
ARRAYS = (
    "cell_levels",
    "cell_images",
    "norms",
    "dots",
    "cell_gaps",
    "level_gaps",
    "level_target_dots",
    "target_counts",
    "target_norms",
    "target_spread",
    "units",
    "unit_counts",
    "unit_sketches",
    "target_sketches",
)


def save_measurement(measurement: Measurement, folder: Path) -> None:
    """Write ``moments.safetensors`` and ``images.parquet`` into ``folder``."""
    arrays = {name: np.ascontiguousarray(getattr(measurement, name)) for name in ARRAYS}
    metadata = {
        "blocks": json.dumps([asdict(block) for block in measurement.blocks]),
        "factors": json.dumps([[factor.name, factor.levels] for factor in measurement.factors]),
        "sketch_parts": json.dumps([[part.start, part.stop] for part in measurement.sketch_parts]),
        "exact": json.dumps(measurement.exact),
    }
    with atomic_path(folder / ARRAYS_NAME) as draft:
        save_file(arrays, draft, metadata)
    with atomic_path(folder / IMAGES_NAME) as draft:
        measurement.images.write_parquet(draft)


def load_measurement(folder: Path) -> Measurement:
    """Read what :func:`save_measurement` wrote."""
    with safe_open(folder / ARRAYS_NAME, "np") as file:
        arrays = {name: file.get_tensor(name) for name in ARRAYS}
        metadata = {name: json.loads(value) for name, value in file.metadata().items()}
    return Measurement(
        blocks=tuple(Block(**block) for block in metadata["blocks"]),
        factors=tuple(Factor(name, tuple(levels)) for name, levels in metadata["factors"]),
        images=pl.read_parquet(folder / IMAGES_NAME),
        sketch_parts=tuple(slice(start, stop) for start, stop in metadata["sketch_parts"]),
        exact=metadata["exact"],
        **arrays,
    )
