"""A path inside a folder: what names in data may lead to.

Tables, plans and studies come from others, and name files. What they name is read only inside their folder, unless the
user says otherwise, and what is named after them is written only inside the output folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from closerlook.errors import CloserlookError

__all__ = ["leads_out", "path_within"]


def leads_out(name: str) -> bool:
    """Whether a name by itself is no path below a folder: it is empty, absolute, or holds ``..`` or a zero byte."""
    return not name or "\0" in name or os.path.isabs(name) or ".." in name.split("/")  # noqa: PTH117 - half a million


def path_within(folder: str | Path, name: str) -> Path:
    """``folder / name``, if that lies inside ``folder``, symbolic links followed.

    Raises:
        CloserlookError: the name is absolute, holds ``..``, or a link on the way leads out.
    """
    path = Path(folder) / name
    if leads_out(name):
        raise CloserlookError(f"The name {name!r} leads out of {folder}; rename what bears it.")
    if not path.resolve().is_relative_to(Path(folder).resolve()):
        raise CloserlookError(f"{path} leads out of {folder} by a symbolic link; remove the link.")
    return path
