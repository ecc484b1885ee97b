"""Arrays in safetensors files: the one place where closerlook writes and reads them.

The files are what the safetensors library writes, but for three things. Equal arrays give equal bytes: the library
writes what a file says about itself in random order. A SHA-256 of all the rest lies in the header and is checked on
reading, so that a flipped bit is noticed. And files are written by Python, so that they have the permissions that the
user's umask gives and a full disk is the system's error that every other file meets.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from closerlook.errors import CloserlookError
from closerlook.storage.files import atomic_path

if TYPE_CHECKING:
    import torch  # which processes that only render do without

__all__ = ["Arrays", "load_arrays", "pack_arrays", "read_about", "read_arrays", "read_torch", "write_arrays"]

Arrays: TypeAlias = "Mapping[str, NDArray[Any] | torch.Tensor]"
About: TypeAlias = dict[str, str]

CHECKSUM = "sha256"
TYPES = {
    "f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8",
    "u8": "U64", "u4": "U32", "u2": "U16", "u1": "U8", "b1": "BOOL",
}  # fmt: skip
TORCH_TYPES = {"torch.bfloat16": "BF16"}  # NumPy has none


def write_arrays(path: str | Path, arrays: Arrays, about: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file, atomically.

    Args:
        arrays: by name, NumPy's or torch's, on any device.
        about: what the file says about itself.
    """
    header, parts = _laid_out(arrays, about or {})
    with atomic_path(path) as draft, draft.open("wb") as file:
        file.write(header)
        for part in parts:
            file.write(part.data)


def pack_arrays(arrays: Arrays, about: Mapping[str, str] | None = None) -> bytes:
    """What :func:`write_arrays` writes."""
    header, parts = _laid_out(arrays, about or {})
    return b"".join([header, *(part.data for part in parts)])


def read_arrays(path: str | Path, way_out: str, *, foreign: bool = False) -> tuple[dict[str, NDArray[Any]], About]:
    """The arrays of a safetensors file and what it says about itself.

    Args:
        way_out: what to do if it is damaged, to end the message: ``"delete it and analyze again"``.
        foreign: whether other programs may have written the file, without a checksum.

    Raises:
        FileNotFoundError: there is no such file.
        CloserlookError: the file cannot be read, is damaged or no safetensors file; the message names it.
    """
    about = _checked(Path(path), way_out, foreign)
    with _explained(path, way_out):
        return safetensors.numpy.load_file(path), about


def read_torch(path: str | Path, way_out: str, *, foreign: bool = False) -> tuple[dict[str, torch.Tensor], About]:
    """The same as :func:`read_arrays` with tensors in memory, of any of torch's types."""
    import safetensors.torch

    about = _checked(Path(path), way_out, foreign)
    with _explained(path, way_out):
        return safetensors.torch.load_file(path), about


def read_about(path: str | Path, way_out: str, *, foreign: bool = False) -> About:
    """What :func:`read_arrays` says that the file says about itself."""
    return _checked(Path(path), way_out, foreign)


def load_arrays(data: bytes) -> tuple[dict[str, NDArray[Any]], About]:
    """The arrays that :func:`pack_arrays` packed.

    Raises:
        ValueError: the bytes are damaged.
    """
    about = _check(data, foreign=False)
    try:
        return safetensors.numpy.load(data), about
    except SafetensorError as error:
        raise ValueError(str(error)) from None


@contextmanager
def _explained(path: str | Path, way_out: str) -> Iterator[None]:
    """Turn what reading a damaged file leads to into one message."""
    try:
        yield
    except IsADirectoryError:
        raise CloserlookError(f"{path} is a folder, not a safetensors file: {way_out}.") from None
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise CloserlookError(f"{path} is damaged or not a safetensors file ({error}): {way_out}.") from None


def _laid_out(arrays: Arrays, about: Mapping[str, str]) -> tuple[bytes, list[NDArray[np.uint8]]]:
    """The header of a file, and the bytes of its arrays in their order: the widest first, so that all are aligned."""
    kept = {name: _as_bytes(value) for name, value in arrays.items()}
    entries: dict[str, Any] = {}
    start = 0
    order = sorted(kept, key=lambda name: (-kept[name][3], name))
    for name in order:
        kind, shape, data, _ = kept[name]
        entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, start + data.nbytes]}
        start += data.nbytes
    parts = [kept[name][2] for name in order]
    sums = hashlib.sha256(_described(entries, about).encode())
    for part in parts:
        sums.update(part.data)
    header = _described(entries, {**about, CHECKSUM: sums.hexdigest()}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header, parts


def _described(entries: Mapping[str, Any], about: Mapping[str, str]) -> str:
    return json.dumps({"__metadata__": dict(about), **entries}, sort_keys=True, separators=(",", ":"))


def _as_bytes(value: NDArray[Any] | torch.Tensor) -> tuple[str, list[int], NDArray[np.uint8], int]:
    """The name of an array's type, its shape, its bytes, and the bytes that one element takes."""
    shape = list(value.shape)
    if not isinstance(value, np.ndarray):
        tensor = value.detach().cpu().contiguous()
        kind = TORCH_TYPES.get(str(tensor.dtype))
        if kind is not None:
            return kind, shape, _torch_bytes(tensor), tensor.element_size()
        value = tensor.numpy()
    array = np.ascontiguousarray(value)
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return TYPES[array.dtype.str[1:]], shape, array.reshape(-1).view(np.uint8), array.itemsize


def _torch_bytes(tensor: torch.Tensor) -> NDArray[np.uint8]:
    import torch

    found: NDArray[np.uint8] = tensor.reshape(-1).view(torch.uint8).numpy()
    return found


def _checked(path: Path, way_out: str, foreign: bool) -> About:
    with _explained(path, way_out), path.open("rb") as file:
        if path.stat().st_size == 0:
            raise ValueError("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _check(data, foreign)


def _check(data: bytes | mmap.mmap, foreign: bool) -> About:
    """What a file says about itself, if its checksum is right.

    Raises:
        ValueError: it is not, or the file is cut short.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 + size:
        raise ValueError("it is cut short")
    entries = json.loads(data[8 : 8 + size])
    if not isinstance(entries, dict):
        raise ValueError("its header is no mapping")
    about = entries.pop("__metadata__", {})
    if not isinstance(about, dict):
        raise ValueError("its header is damaged")
    claimed = about.pop(CHECKSUM, None)
    if claimed is None:
        if foreign:
            return about
        raise ValueError("it has no checksum: another program or version wrote it")
    sums = hashlib.sha256(_described(entries, about).encode())
    with memoryview(data) as view, view[8 + size :] as rest:
        sums.update(rest)
    if sums.hexdigest() != claimed:
        raise ValueError("its checksum is wrong")
    return about
