"""Files of arrays: equal bytes for equal arrays, and no damage goes unnoticed."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from closerlook.errors import CloserlookError
from closerlook.storage.tensors import load_arrays, pack_arrays, read_about, read_arrays, read_torch, write_arrays

ARRAYS = {
    "f8": np.arange(6.0).reshape(2, 3),
    "f4": np.arange(5, dtype=np.float32)[::2],  # not contiguous
    "scalar": np.array(3),
    "empty": np.zeros((0, 4), np.float32),
    "bool": np.array([True, False]),
    "u1": np.arange(3, dtype=np.uint8),
}
ABOUT = {"b": "ü", "a": "1", "c": '{"x": 2}'}


def test_what_is_written_is_read_and_the_library_reads_it_too(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.safetensors", ARRAYS, ABOUT)
    for found in (read_arrays(tmp_path / "a.safetensors", "")[0], load_file(tmp_path / "a.safetensors")):
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)
            assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
    assert read_about(tmp_path / "a.safetensors", "") == ABOUT
    assert load_arrays(pack_arrays(ARRAYS, ABOUT))[1] == ABOUT


def test_torchs_own_types_are_kept(tmp_path: Path) -> None:
    tensors = {"half": torch.arange(3).bfloat16(), "strided": torch.arange(6.0).reshape(2, 3).T}
    write_arrays(tmp_path / "a.safetensors", tensors)
    found, _ = read_torch(tmp_path / "a.safetensors", "")
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in tensors.items())


def test_order_does_not_matter_to_the_bytes() -> None:
    other = dict(reversed(ARRAYS.items())), dict(reversed(ABOUT.items()))
    assert len({pack_arrays(ARRAYS, ABOUT), pack_arrays(*other)}) == 1


def test_files_have_the_permissions_that_the_umask_gives(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_arrays(tmp_path / "a.safetensors", ARRAYS)
    finally:
        os.umask(before)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o644


def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    whole = pack_arrays(ARRAYS, ABOUT)
    flipped = [whole[:i] + bytes([whole[i] ^ (1 << i % 8)]) + whole[i + 1 :] for i in range(len(whole))]
    for damaged in (*flipped, *(whole[:length] for length in range(0, len(whole), 7)), whole + b"\0"):
        path.write_bytes(damaged)
        with pytest.raises(CloserlookError, match=r"a\.safetensors is damaged .*: make it anew"):
            read_arrays(path, "make it anew")
        with pytest.raises(ValueError):
            load_arrays(damaged)


def test_files_of_other_programs_are_read_where_they_may_be(tmp_path: Path) -> None:
    save_file(ARRAYS | {"f4": np.ones(2, np.float32)}, tmp_path / "a.safetensors", {"from": "elsewhere"})
    assert read_arrays(tmp_path / "a.safetensors", "", foreign=True)[1] == {"from": "elsewhere"}
    with pytest.raises(CloserlookError, match="no checksum"):
        read_arrays(tmp_path / "a.safetensors", "make it anew")
    with pytest.raises(CloserlookError, match="is a folder"):
        read_arrays(tmp_path, "")
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "b.safetensors", "")


def test_a_full_disk_is_said_as_everywhere() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with pytest.MonkeyPatch.context() as patch:
        plain = Path.open
        patch.setattr(Path, "open", lambda self, *mode, **o: plain(Path("/dev/full") if "wb" in mode else self, *mode))
        with pytest.raises(CloserlookError, match="disk is full"):
            write_arrays("never.safetensors", ARRAYS)
    assert not Path("never.safetensors").exists()
