"""A run's kept score: ``score.json``, with everything that the score depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from typing_extensions import TypedDict

from closerlook.compute.progress import console
from closerlook.storage.documents import read_json
from closerlook.storage.keys import Key, changes

__all__ = ["SCORE", "Score", "read_score"]

SCORE = "score.json"


class Score(TypedDict):
    """What every such file has; a kind of run adds what it scored."""

    key: dict[str, Any]


Kept = TypeVar("Kept", bound=Score)


def read_score(folder: Path, kind: type[Kept], key: Key, title: str, remedy: str) -> Kept | None:
    """The score in a run's folder, if it was made from what ``key`` says; it is told where it was not.

    Raises:
        CloserlookError: the file is damaged; ``remedy`` is the way out.
    """
    path = folder / SCORE
    if not path.exists():
        return None
    kept = read_json(path, kind, remedy)
    if differing := changes(kept["key"], key):
        console.print(f"{title}: its score differs in {differing}, so it is made again", highlight=False, markup=False)
        return None
    return kept
