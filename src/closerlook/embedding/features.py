"""Features of a data set: what an embedder makes of its images, with the labels that ranking needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from torch import Tensor

from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.embedding.embedder import Embedder
from closerlook.embedding.passes import batch_size, cut, run_pass
from closerlook.errors import CloserlookError
from closerlook.storage.tables import read_parquet, write_parquet
from closerlook.storage.tensors import read_arrays, write_arrays

__all__ = ["Features", "extract"]


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
        write_arrays(path, {"features": self.features, "identities": self.identities, "cameras": self.cameras})

    def save_table(self, path: str | Path, data: Dataset) -> None:
        """Write a Parquet file with a row an image: the columns of ``data`` that say which it is, and ``feature``.

        Args:
            data: the images that these are the features of, in the same order.
        """
        table = data.table.select("file_name", "identity", "camera", "split")
        vectors = pl.Series("feature", self.features, dtype=pl.Array(pl.Float32, self.features.shape[1]))
        write_parquet(table.with_columns(vectors), path)

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
        return read_arrays(path, "extract the features again", foreign=True)[0]
    except FileNotFoundError:
        raise CloserlookError(f"There is no features file {path}.") from None
    except OSError as error:
        raise CloserlookError(f"{path} cannot be read: {error.strerror}.") from None


def _read_table(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        table = read_parquet(path, remedy="extract again")
        names = {"feature": "features", "identity": "identities", "camera": "cameras"}
        found = {names[name]: table[name] for name in names if name in table.columns}
        return {
            name: _vectors(column, path) if name == "features" else column.cast(pl.Int64).fill_null(-1).to_numpy()
            for name, column in found.items()
        }
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise CloserlookError(f"{path} is not a Parquet file of features: {error}.") from None


def _vectors(column: pl.Series, path: Path) -> NDArray[np.generic]:
    """(n, d) of a column of lists or arrays."""
    if isinstance(column.dtype, pl.List):
        lengths = column.list.len().unique().to_list()
        if len(lengths) != 1:
            raise CloserlookError(f"{path}: the vectors in 'feature' must all have one length; they have {lengths}.")
        column = column.list.to_array(lengths[0])
    return column.to_numpy()


def extract(embedder: Embedder, data: Dataset) -> Features:
    """The features of every image of ``data``, in table order. Images without an identity get -1."""
    features = np.empty((len(data), embedder.dim), np.float32)
    batches = list(cut(slice(0, len(data)), batch_size(embedder)))

    def keep(rows: slice, vectors: Tensor) -> None:
        features[rows] = vectors.numpy(force=True)

    with progress(f"Features of {data.name} by {embedder.name}", len(data)) as advance:
        for rows, _ in zip(batches, run_pass(data, embedder, batches, keep), strict=True):
            advance(rows.stop - rows.start)
    return Features(features, data.table["identity"].fill_null(-1).to_numpy(), data.cameras)
