"""What arrays of a measurement must look like beside one another: a damaged file is told, not computed with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from numpy.typing import NDArray

from closerlook.attributes import Factor
from closerlook.embedding import Block
from closerlook.errors import CloserlookError
from closerlook.gap.settings import REMEDY

__all__ = ["ARRAYS", "ARRAYS_NAME", "IMAGES_NAME", "check_arrays"]

ARRAYS_NAME = "moments.safetensors"
IMAGES_NAME = "images.parquet"

# Letters are sizes: b blocks, c cells, f factors, h groups of target images, l levels, n images, r dimensions of the
# projection, u units, 2 itself; of the parts that not every measurement has k cameras, m target images, q directions.
ARRAYS = {
    "cell_levels": "cf",
    "cell_images": "c",
    "distances": "nb",
    "cell_products": "bcc",
    "unbiased_cell_products": "bcc",
    "level_gaps": "bl",
    "level_target_dots": "blh",
    "target_counts": "h",
    "target_distances": "hb",
    "target_bias": "b",
    "units": "u2",
    "unit_counts": "u",
    "unit_sketches": "ur",
    "target_sketches": "hr",
}
POOLED = {
    "images": "c",
    "near": "mc",
    "kernel": "cc",
    "kernel_pairs": "cc",
    "kernel_target": "c",
    "kernel_self": "1",
    "sums": "cq",
    "products": "cqq",
    "variances": "q",
}
CAMERAS = {
    "names": "k",
    "counts": "hk",
    "distances": "hkb",
    "bias": "kb",
    "products": "bkk",
    "level_dots": "blk",
    "sketches": "hkr",
}
WHOLE = ("cell_levels", "cell_images", "target_counts", "units", "unit_counts", "pooled.images", "camera.names")


def check_arrays(
    arrays: Mapping[str, NDArray[Any]],
    images: pl.DataFrame,
    blocks: Sequence[Block],
    factors: Sequence[Factor],
    parts: Sequence[tuple[int, int]],
    folder: Path,
) -> None:
    """See that arrays, table and names are of one measurement.

    Raises:
        CloserlookError: one is missing, of another shape or type, or points to what there is not.
    """

    def refuse(problem: str, file: str = ARRAYS_NAME) -> CloserlookError:
        return CloserlookError(f"{folder / file} is damaged: {problem}. {REMEDY}")

    wanted = dict(ARRAYS)
    for prefix, shapes in (("pooled", POOLED), ("camera", CAMERAS)):
        if any(name.startswith(f"{prefix}.") for name in arrays):
            wanted |= {f"{prefix}.{name}": shape for name, shape in shapes.items()}
    if set(arrays) != set(wanted):
        raise refuse(f"array '{min(set(arrays) ^ set(wanted))}' is missing or unknown")
    if images.height != len(arrays["distances"]):
        raise refuse(f"{ARRAYS_NAME} is of {len(arrays['distances']):,} images, not {images.height:,}", IMAGES_NAME)
    sizes = {"b": len(blocks), "f": len(factors), "l": sum(map(len, factors)), "n": images.height, "1": 1, "2": 2}
    for name, letters in wanted.items():
        shape = arrays[name].shape
        if len(shape) != len(letters) or any(sizes.setdefault(a, n) != n for a, n in zip(letters, shape, strict=True)):
            raise refuse(f"array '{name}' has shape {shape}")
        if arrays[name].dtype.kind not in ("iu" if name in WHOLE else "iuf"):
            raise refuse(f"array '{name}' holds {arrays[name].dtype}")
    _check_table(images, factors, refuse)
    inside = [
        ("cell_levels", arrays["cell_levels"], [len(factor) for factor in factors]),
        ("units", arrays["units"][:, 0], sizes["c"]),
        ("cell", images["cell"].to_numpy(), sizes["c"]),
    ]
    for name, numbers, limit in inside:
        if (numbers < 0).any() or (numbers >= limit).any():
            raise refuse(f"'{name}' points to what there is not", IMAGES_NAME if name == "cell" else ARRAYS_NAME)
    ends = [0, *(stop for _, stop in parts)]
    if [start for start, _ in parts] != ends[:-1] or len(parts) != len(blocks) or ends[-1] != sizes["r"]:
        raise refuse("'sketch_parts' do not cover the projections")


def _check_table(images: pl.DataFrame, factors: Sequence[Factor], refuse: Any) -> None:
    columns = {"file_name": pl.String, "identity": pl.Int64, **dict.fromkeys(("row", "cell", "group"))}
    for name, kind in columns.items():
        if name not in images.columns:
            raise refuse(f"it has no column '{name}'", IMAGES_NAME)
        column = images[name]
        fits = column.dtype == kind if kind is not None else column.dtype.is_integer() and not column.null_count()
        if not fits:
            raise refuse(f"column '{name}' holds {column.dtype}", IMAGES_NAME)
    for factor in factors:
        if factor.name not in images.columns:
            raise refuse(f"it has no column '{factor.name}'", IMAGES_NAME)
        known = set(map(str, factor.levels))
        if not set(images[factor.name].cast(pl.String, strict=False).unique()) <= known:
            raise refuse(f"column '{factor.name}' holds other levels than {ARRAYS_NAME}", IMAGES_NAME)
