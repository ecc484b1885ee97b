"""Where in a folder that a user names a data set begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from closerlook.errors import CloserlookError

__all__ = ["find_root"]


def find_root(layout: str, path: Path, parts: Sequence[str]) -> Path:
    """``path``, or the one folder inside it, that holds all of ``parts`` (files or folders).

    Raises:
        CloserlookError: no folder does, or several do.
    """
    if not path.is_dir():
        raise CloserlookError(f"{path} is not a folder; {layout} needs the one that holds {', '.join(parts)}.")
    candidates = [path, *sorted(child for child in path.iterdir() if child.is_dir())]
    complete = [folder for folder in candidates if all((folder / part).exists() for part in parts)]
    if complete and (complete[0] == path or len(complete) == 1):
        return complete[0]
    if complete:
        names = ", ".join(folder.name for folder in complete)
        raise CloserlookError(f"{path} holds several data sets ({names}); name one of them.")
    nearest = max(candidates, key=lambda folder: sum((folder / part).exists() for part in parts))
    missing = [part for part in parts if not (nearest / part).exists()]
    raise CloserlookError(f"{nearest} has not the layout of {layout}: it lacks {', '.join(missing)}.")
