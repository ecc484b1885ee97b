"""Features of a data set: what an embedder makes of its images, with the labels that ranking needs."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.embedding.embedder import Embedder, EmbeddingFunction
from closerlook.embedding.passes import batch_size, cut, run_pass
from closerlook.embedding.pooled import as_embedder
from closerlook.errors import CloserlookError, UsageError, first_line, unknown
from closerlook.storage.files import atomic_path
from closerlook.storage.tables import read_parquet, write_parquet
from closerlook.storage.tensors import read_torch, write_arrays

__all__ = ["ENDINGS", "Arrays", "Features", "as_features", "extract"]


@dataclass(frozen=True)
class Features:
    """Vectors and labels of n images.

    Attributes:
        features: (n, d) float32, or float64 where it was given so.
        identities: (n,) int64.
        cameras: (n,) int64; -1 where unknown.

    Example:
        >>> cl.Features.from_arrays([[0.0, 1.0]], identities=[7])
        Features(1 vectors of 2 numbers)
    """

    features: NDArray[np.floating] = field(repr=False)
    identities: NDArray[np.int64] = field(repr=False)
    cameras: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        return f"Features({len(self):,} vectors of {self.features.shape[1]} numbers)"

    @classmethod
    def from_arrays(cls, features: ArrayLike, identities: ArrayLike, cameras: ArrayLike | None = None) -> Features:
        """Features from arrays, tensors or lists, checked.

        Args:
            features: (n, d) numbers.
            identities: (n,) whole numbers: people from 0 on; -1 is junk, -2 a distractor.
            cameras: (n,) whole numbers; unknown if ``None``.

        Raises:
            UsageError: lengths differ, the vectors are not (n, d), or a label is no whole number.

        Example::

            query = cl.Features.from_arrays(vectors, identities, cameras)
        """
        vectors, people = _array(features), _array(identities)
        filmed = np.full(len(people), -1) if cameras is None else _array(cameras)
        if vectors.ndim != 2 or people.shape != (len(vectors),) or filmed.shape != (len(vectors),):
            raise UsageError(
                f"Features must be (n, d), identities and cameras (n,); they are {vectors.shape}, {people.shape} and "
                f"{filmed.shape}."
            )
        if vectors.dtype.kind not in "fiu":
            raise UsageError(f"Features must be numbers, not {vectors.dtype}.")
        for name, labels in (("identities", people), ("cameras", filmed)):
            if labels.dtype.kind not in "iu":
                raise UsageError(
                    f"{name.capitalize()} must be whole numbers, not {labels.dtype}; names are numbered by "
                    "np.unique(names, return_inverse=True)[1]."
                )
        kind = np.float64 if vectors.dtype == np.float64 else np.float32
        return cls(vectors.astype(kind, copy=False), people.astype(np.int64), filmed.astype(np.int64))

    def save(self, path: str | Path, data: Dataset | None = None) -> None:
        """Write a file of the format that its ending says, one of :data:`ENDINGS`.

        ``.safetensors`` and ``.npz`` hold the arrays ``features``, ``identities`` and ``cameras``; ``.npy`` only the
        features, beside which ``NAME.identities.npy`` and ``NAME.cameras.npy`` lie; ``.parquet`` one row per image with
        ``feature`` and, where ``data`` is given, the columns that say which image it is.

        Args:
            data: the images that these are the features of, in the same order.

        Raises:
            UsageError: the ending is another.
        """
        arrays = {"features": self.features, "identities": self.identities, "cameras": self.cameras}
        match Path(path).suffix:
            case ".safetensors":
                write_arrays(path, arrays)
            case ".npz":
                with atomic_path(path) as draft, draft.open("wb") as file:
                    np.savez(file, **arrays)  # type: ignore[arg-type]
            case ".npy":
                for name, array in reversed(arrays.items()):  # the features last: who finds them finds the rest
                    to = Path(path) if name == "features" else _beside(Path(path), name)
                    with atomic_path(to) as draft, draft.open("wb") as file:
                        np.save(file, array)
            case ".parquet":
                self._save_table(path, data)
            case ending:
                raise unknown("ending of a features file", ending, ENDINGS)

    def _save_table(self, path: str | Path, data: Dataset | None) -> None:
        labels = pl.DataFrame({"identity": self.identities, "camera": self.cameras})
        table = labels if data is None else data.table.select("file_name", "identity", "camera", "split")
        kind = pl.Float64 if self.features.dtype == np.float64 else pl.Float32
        vectors = pl.Series("feature", self.features, dtype=pl.Array(kind, self.features.shape[1]))
        write_parquet(table.with_columns(vectors), path)

    @classmethod
    def load(cls, path: str | Path) -> Features:
        """Read a file that :meth:`save` wrote, or anybody else with the same names, by its ending.

        Features may be of any float type (bfloat16 too, in safetensors); they become float32, or float64 if they are.
        Cameras may be absent.

        Raises:
            CloserlookError: no such file, not of its format, something is missing or the lengths differ.
        """
        found = _READERS.get(Path(path).suffix, _read_tensors)(Path(path))
        missing = {"features", "identities"} - set(found)
        if missing:
            raise CloserlookError(f"{path} lacks the tensor '{sorted(missing)[0]}'; it has {', '.join(found)}.")
        try:
            return cls.from_arrays(found["features"], found["identities"], found.get("cameras"))
        except UsageError as error:
            raise CloserlookError(f"{path}: {error}") from None


Arrays = Features | tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, ArrayLike]  # labels after vectors


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.stem}.{name}.npy")


def _read_tensors(path: Path) -> dict[str, NDArray[np.generic]]:
    with _explained(path):
        tensors, _ = read_torch(path, "extract the features again", foreign=True)
        return {name: _widened(tensor).numpy() for name, tensor in tensors.items()}


def _read_npz(path: Path) -> dict[str, NDArray[np.generic]]:
    with _explained(path), path.open("rb") as file:
        found = np.load(file, allow_pickle=False)
        if not isinstance(found, np.lib.npyio.NpzFile):
            raise ValueError("it is no archive of arrays")
        return {name: found[name] for name in ("features", "identities", "cameras") if name in found}


def _read_npy(path: Path) -> dict[str, NDArray[np.generic]]:
    found = {}
    for name in ("features", "identities", "cameras"):
        file = path if name == "features" else _beside(path, name)
        if name == "cameras" and not file.exists():
            continue
        with _explained(file), file.open("rb") as opened:
            found[name] = np.lib.format.read_array(opened, allow_pickle=False)
    return found


def _widened(tensor: Tensor) -> Tensor:
    """NumPy has no bfloat16."""
    return tensor.float() if tensor.dtype == torch.bfloat16 else tensor


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except CloserlookError:
        raise
    except FileNotFoundError:
        raise CloserlookError(f"There is no features file {path}.") from None
    except OSError as error:
        raise CloserlookError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, EOFError, TypeError, SyntaxError, zipfile.BadZipFile, zlib.error, MemoryError) as error:
        raise CloserlookError(f"{path} is no file of features ({first_line(error)}); extract them again.") from None


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


_READERS: dict[str, Callable[[Path], dict[str, NDArray[np.generic]]]] = {
    ".safetensors": _read_tensors,
    ".parquet": _read_table,
    ".npz": _read_npz,
    ".npy": _read_npy,
}
ENDINGS = tuple(_READERS)


def as_features(source: Arrays, what: str) -> Features:
    """Features as they are, or from the tuple (vectors, identities, cameras), the last of which may be left out.

    Raises:
        UsageError: it is neither, or the arrays do not fit together; the message says of ``what``.

    Example:
        >>> from closerlook.embedding import as_features
        >>> as_features(([[0.0, 1.0]], [7]), "query").cameras.tolist()
        [-1]
    """
    if isinstance(source, Features):
        return source
    if not isinstance(source, tuple) or len(source) not in (2, 3):
        shown = f"a tuple of {len(source)}" if isinstance(source, tuple) else f"a {type(source).__name__}"
        raise UsageError(f"The {what} is {shown}; give (vectors, identities, cameras) or (vectors, identities).")
    try:
        return Features.from_arrays(*source)
    except UsageError as error:
        raise UsageError(f"The {what}: {error}") from None


def _array(values: ArrayLike) -> NDArray[np.generic]:
    try:
        return _widened(values).numpy(force=True) if isinstance(values, Tensor) else np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise UsageError(f"This is no array: {error}.") from None


def extract(embedder: Embedder | EmbeddingFunction, data: Dataset, *, size: tuple[int, int] = (128, 64)) -> Features:
    """The features of every image of ``data``, in table order. Images without an identity get -1.

    Args:
        embedder: a model, an embedding, or any function from images (b, h, w, 3) uint8 RGB to vectors (b, d).
        data: the images.
        size: (height, width) at which a function sees them; a model or embedding has its own.

    Raises:
        UsageError: ``embedder`` cannot be called.
        CloserlookError: an image cannot be read, or the function fails.

    Example:
        >>> from closerlook.embedding import extract
        >>> extract(model, data).features.shape == (len(data), model.dim)
        True
        >>> extract(lambda images: images.float().mean((1, 2)), data).features.shape == (len(data), 3)
        True
    """
    embedder = as_embedder(embedder, size)
    features = np.empty((len(data), embedder.dim), np.float32)
    batches = list(cut(slice(0, len(data)), batch_size(embedder)))

    def keep(rows: slice, vectors: Tensor) -> None:
        features[rows] = vectors.numpy(force=True)

    with progress(f"Features of {data.name} by {embedder.name}", len(data)) as advance:
        for rows, _ in zip(batches, run_pass(data, embedder, batches, keep), strict=True):
            advance(rows.stop - rows.start)
    return Features(features, data.table["identity"].fill_null(-1).to_numpy(), data.cameras)
