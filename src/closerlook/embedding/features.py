"""Features of a data set: what an embedder makes of its images, with the labels that ranking needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.errors import CloserlookError
from closerlook.files import atomic_path

__all__ = ["Embedder", "Features", "extract"]


class Embedder(Protocol):
    """A function image -> vector: a pretrained embedding or a trained re-ID model.

    Attributes:
        name: what to call it in reports.
        size: (height, width) in pixels of the images it takes.
        dim: length of the vector.
    """

    name: str
    size: tuple[int, int]
    dim: int

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(b, h, w, 3) uint8 RGB -> (b, dim) float32, without gradients; normalisation is inside."""
        ...


@dataclass(frozen=True)
class Features:
    """Vectors and labels of n images.

    Attributes:
        features: (n, d) float32.
        identities: (n,) int64.
        cameras: (n,) int64; -1 where unknown.
    """

    features: NDArray[np.float32] = field(repr=False)
    identities: NDArray[np.int64] = field(repr=False)
    cameras: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.features)

    def save(self, path: str | Path) -> None:
        """Write a safetensors file with the tensors ``features``, ``identities`` and ``cameras``."""
        tensors = {"features": self.features, "identities": self.identities, "cameras": self.cameras}
        with atomic_path(path) as draft:
            save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, draft)

    def save_table(self, path: str | Path, data: Dataset) -> None:
        """Write a Parquet file with a row an image: the columns of ``data`` that say which it is, and ``feature``.

        Args:
            data: the images that these are the features of, in the same order.
        """
        table = data.table.select("file_name", "identity", "camera", "split")
        vectors = pl.Series("feature", self.features, dtype=pl.Array(pl.Float32, self.features.shape[1]))
        with atomic_path(path) as draft:
            table.with_columns(vectors).write_parquet(draft)

    @classmethod
    def load(cls, path: str | Path) -> Features:
        """Read a file that :meth:`save` or :meth:`save_table` wrote, or anybody else with the same names.

        Cameras may be absent.

        Raises:
            CloserlookError: no such file, not of its format, something is missing or the lengths differ.
        """
        tensors = _read_table(Path(path)) if Path(path).suffix == ".parquet" else _read_tensors(path)
        missing = {"features", "identities"} - set(tensors)
        if missing:
            raise CloserlookError(f"{path} lacks the tensor '{sorted(missing)[0]}'; it has {', '.join(tensors)}.")
        features, identities = tensors["features"], tensors["identities"]
        cameras = tensors.get("cameras", np.full(len(features), -1))
        if features.ndim != 2 or identities.shape != (len(features),) or cameras.shape != (len(features),):
            raise CloserlookError(
                f"{path}: 'features' must be (n, d), 'identities' and 'cameras' (n,); they are "
                f"{features.shape}, {identities.shape} and {cameras.shape}."
            )
        return cls(features.astype(np.float32), identities.astype(np.int64), cameras.astype(np.int64))


def _read_tensors(path: str | Path) -> dict[str, NDArray[np.generic]]:
    try:
        tensors: dict[str, NDArray[np.generic]] = load_file(path)
    except FileNotFoundError:
        raise CloserlookError(f"There is no features file {path}.") from None
    except SafetensorError as error:
        raise CloserlookError(f"{path} is not a safetensors file: {error}.") from None
    return tensors


def _read_table(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        table = pl.read_parquet(path)
        names = {"feature": "features", "identity": "identities", "camera": "cameras"}
        found = {names[name]: table[name] for name in names if name in table.columns}
        return {
            name: _vectors(column, path) if name == "features" else column.cast(pl.Int64).fill_null(-1).to_numpy()
            for name, column in found.items()
        }
    except FileNotFoundError:
        raise CloserlookError(f"There is no features file {path}.") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise CloserlookError(f"{path} is not a Parquet file of features: {error}.") from None


def _vectors(column: pl.Series, path: Path) -> NDArray[np.generic]:
    """(n, d) of a column of lists or arrays."""
    if isinstance(column.dtype, pl.List):
        lengths = column.list.len().unique().to_list()
        if len(lengths) != 1:
            raise CloserlookError(f"{path}: the vectors in 'feature' must all have one length; they have {lengths}.")
        column = column.list.to_array(lengths[0])
    return column.to_numpy()


def extract(embedder: Embedder, data: Dataset, *, batch_size: int = 64) -> Features:
    """The features of every image of ``data``, in table order. Images without an identity get -1."""
    rows = np.empty((len(data), embedder.dim), np.float32)
    start = 0
    with progress(f"Features of {data.name} by {embedder.name}", len(data)) as advance:
        for batch in iter_images(data, embedder.size, batch_size=batch_size):
            rows[start : start + len(batch)] = embedder(torch.from_numpy(batch)).numpy(force=True)
            start += len(batch)
            advance(len(batch))
    return Features(rows, data.table["identity"].fill_null(-1).to_numpy(), data.cameras)
