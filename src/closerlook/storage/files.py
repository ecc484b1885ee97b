"""Writing files so that nothing half-written ever looks complete."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from closerlook.errors import CloserlookError, UsageError

__all__ = ["alone_in", "atomic_path", "cache_folder", "explain_os_errors", "replaceable", "sweep", "write_json"]

DRAFT = ".closerlook-draft"  # the end of the names of folders with drafts


def cache_folder(*parts: str) -> Path:
    """A folder for things that can be made again: ``$CLOSERLOOK_CACHE``, else ``~/.cache/closerlook``."""
    root = os.environ.get("CLOSERLOOK_CACHE")
    base = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "closerlook"
    folder = base.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def explain_os_errors(path: Path | None = None) -> Iterator[None]:
    """Turn what the system refuses (a full disk, a permission, an impossible path) into a message with the way out."""
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
        if error.errno == errno.EFBIG:
            raise CloserlookError(
                f"{path} cannot be written: its file system, or a limit of this account (ulimit -f), takes no file as "
                "large as that. Choose another output folder or lift the limit, then run the same command again."
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
        if error.errno is None or isinstance(error, BrokenPipeError):
            raise
        raise CloserlookError(f"{path} cannot be read or written: {error.strerror}.") from error


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
    What a killed process leaves is used again by the next write of the same path, or removed by :func:`sweep`. Folders
    that had to be made on the way vanish with it.

    Raises:
        CloserlookError: the disk is full, no permission, or what stands at ``path`` must not be replaced.
    """
    name = Path(path).name  # a link's own: its ending says what to write
    path = replaceable(path)
    with explain_os_errors(path), _made(path.parent), _workspace(path) as workspace:
        draft = workspace / (name or path.name)
        yield draft
        draft.replace(path)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder and those above it; where the block fails, those that are new are removed if nothing is in them."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        _make(folder, parents=True)
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for one in new:
                one.rmdir()
        raise


def _make(folder: Path, *, parents: bool = False) -> None:
    """Make a folder; where one that holds it takes none, as in /proc, say so."""
    try:
        folder.mkdir(parents=parents, exist_ok=True)
    except FileNotFoundError as error:
        there = next(one for one in folder.parents if one.is_dir())
        raise CloserlookError(f"Cannot write there: {there} takes no new files or folders. Choose another.") from error


@contextmanager
def _workspace(path: Path) -> Iterator[Path]:
    """An empty folder for the draft of ``path``, locked while this process lives, so that others see whose it is."""
    lock, number = None, 0
    while lock is None:
        workspace = path.with_name(f".{path.name}.{number}{DRAFT}" if number else f".{path.name}{DRAFT}")
        lock, number = _claim(workspace), number + 1
    try:
        yield workspace
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
        os.close(lock)


def _claim(workspace: Path) -> int | None:
    """Make the folder, or take it over from a dead process and empty it; its lock, or None if a living one has it."""
    while True:
        _make(workspace)
        try:
            lock = os.open(workspace, os.O_RDONLY)
        except FileNotFoundError:  # its owner has just removed it
            continue
        if not _lock(lock):
            os.close(lock)
            return None
        if not _is_at(lock, workspace):  # removed between the two
            os.close(lock)
            continue
        for left in workspace.iterdir():
            _remove(left)
        return lock


def sweep(folder: Path) -> None:
    """Remove the drafts of dead processes in ``folder`` and in the folders directly in it."""
    with contextlib.suppress(OSError):
        for workspace in [*folder.glob(f".*{DRAFT}"), *folder.glob(f"*/.*{DRAFT}")]:
            lock = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if _lock(lock):
                    shutil.rmtree(workspace, ignore_errors=True)
            finally:
                os.close(lock)


def _lock(descriptor: int) -> bool:
    """Lock an open folder for this process, if no other has; true as well where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a network file system without locks
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@contextmanager
def alone_in(folder: Path, doing: str) -> Iterator[None]:
    """Keep other runs out of a folder, which is made if need be, while the block runs; drafts of dead runs are removed.

    A folder that was made vanishes again where the block fails before anything is in it.
    By a lock of the operating system on the folder itself: it goes with the process, however that ends, and leaves no
    file. Where the file system has no such locks the block just runs.

    Args:
        doing: what the runs do, for the message: ``"rendering into"``.

    Raises:
        CloserlookError: another run is in the folder.
    """
    with explain_os_errors(folder), _made(folder):
        lock = os.open(folder, os.O_RDONLY)
        try:
            if not _lock(lock):
                raise CloserlookError(
                    f"Another run is {doing} {folder}: wait until it is done, stop it, or name another output folder."
                )
            sweep(folder)
            yield
        finally:
            os.close(lock)


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as readable JSON, atomically. NaN and infinity are refused: JSON has neither."""
    with atomic_path(path) as draft:
        draft.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")
