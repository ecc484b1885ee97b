"""Writing files so that nothing half-written ever looks complete."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from closerlook.errors import CloserlookError, UsageError

__all__ = ["alone_in", "atomic_path", "cache_folder", "explain_os_errors", "replaceable", "write_json"]


def cache_folder(*parts: str) -> Path:
    """A folder for things that can be made again: ``$CLOSERLOOK_CACHE``, else ``~/.cache/closerlook``."""
    root = os.environ.get("CLOSERLOOK_CACHE")
    base = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "closerlook"
    folder = base.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def explain_os_errors(path: Path | None = None) -> Iterator[None]:
    """Turn a full disk, a missing permission or an impossible path into a message that names it and the way out."""
    try:
        yield
    except OSError as error:
        path = path or Path(error.filename or Path.cwd())
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            folder = next((p for p in (path, *path.parents) if p.is_dir()), Path())
            free = shutil.disk_usage(folder).free / 2**20
            raise CloserlookError(
                f"The disk is full ({free:.0f} MiB free at {folder}) while writing {path}. Free some space or choose "
                "another output folder, then run the same command again: finished work is kept."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise CloserlookError(f"No permission to read or write {path}. Choose another folder.") from error
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            raise CloserlookError(f"{path} cannot be written: a folder on the way to it is a file.") from error
        if error.errno in (errno.EISDIR, errno.ENOTEMPTY):
            raise CloserlookError(f"{path} is a folder that exists already; name another output.") from error
        if error.errno == errno.ENOENT:
            raise CloserlookError(f"There is no file or folder {error.filename or path}.") from error
        if error.errno == errno.ELOOP:
            raise CloserlookError(f"{path} is a symbolic link that leads to itself.") from error
        if error.errno == errno.ENAMETOOLONG:
            raise CloserlookError(f"The name {path.name[:60]}... is too long for a file.") from error
        raise


def replaceable(path: str | Path) -> Path:
    """Where a path leads to through symbolic links, if a file may be written there: on a file, or on nothing.

    Raises:
        UsageError: a device, a pipe, a socket or a folder with something in it is there.
    """
    path = Path(path)
    with explain_os_errors(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            return Path(os.path.realpath(path))  # of a link to nothing: what it names
        if stat.S_ISDIR(mode) and any(path.iterdir()):
            raise UsageError(f"{path} is a folder that exists already; name another output.")
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UsageError(f"{path} is a device or a pipe, which would be replaced by a file; name a file.")
        return Path(os.path.realpath(path))


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block ends well and vanishes when it does not.

    The temporary name keeps the suffix, so that writers which look at it behave. Works for a file or a folder that the
    block creates (a folder must not exist at ``path`` already). A symbolic link stays; what it leads to is replaced.

    Raises:
        CloserlookError: the disk is full, no permission, or what stands at ``path`` must not be replaced.
    """
    name = Path(path).name  # a link's own: its ending says what to write
    path = replaceable(path)
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        workspace = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            draft = workspace / (name or path.name)
            yield draft
            draft.replace(path)
        finally:
            shutil.rmtree(workspace, ignore_errors=True)


@contextmanager
def alone_in(folder: Path, doing: str) -> Iterator[None]:
    """Keep other runs out of a folder, which is made if need be, while the block runs.

    By a lock of the operating system on the folder itself: it goes with the process, however that ends, and leaves no
    file. Where the file system has no such locks the block just runs.

    Args:
        doing: what the runs do, for the message: ``"rendering into"``.

    Raises:
        CloserlookError: another run is in the folder.
    """
    with explain_os_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CloserlookError(
                f"Another run is {doing} {folder}: wait until it is done, stop it, or name another output folder."
            ) from None
        except OSError:
            pass  # a network file system without locks
        yield
    finally:
        os.close(lock)


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as readable JSON, atomically. NaN and infinity are refused: JSON has neither."""
    with atomic_path(path) as draft:
        draft.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")
