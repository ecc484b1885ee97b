"""Ranked lists as a file: for some queries what stands first, to be looked at later without the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from closerlook.evaluation.result import Result
from closerlook.storage.documents import read_json
from closerlook.storage.files import write_json

__all__ = ["RANKED_LISTS", "Ranked", "RankedList", "ranked_lists", "read_ranked_lists", "save_ranked_lists", "telling"]

RANKED_LISTS = "ranked.json"


@dataclass(frozen=True)
class Ranked:
    """A gallery image in a ranking: its place, its file, and whether it shows the person of the query."""

    rank: int
    file_name: str
    camera: int
    distance: float
    match: bool


@dataclass(frozen=True)
class RankedList:
    """A query and the gallery images nearest to it.

    Attributes:
        file_name, identity, camera: of the query.
        ap: its average precision.
        first_hit: rank of the first match; a fraction where ties count by their mean.
        matches: images to be found.
        nearest: the first of the ranking, and after them the first match where none is among them.
    """

    file_name: str
    identity: int
    camera: int
    ap: float
    first_hit: float
    matches: int
    nearest: tuple[Ranked, ...]


def telling(result: Result, count: int = 8) -> list[int]:
    """Row numbers of queries that say how a model ranks: half of them its most confident mistakes, half from the best
    to the worst average precision, evenly spread."""
    counted = result.per_query.filter(result.per_query["reason"].is_null()).unique("query").sort("ap", "query")
    places = np.linspace(counted.height - 1, 0, min(count - count // 2, counted.height)).astype(int)
    chosen = [*result.hardest_errors(count // 2)["query"], *counted["query"].gather(places)]
    return list(dict.fromkeys(chosen))


def ranked_lists(result: Result, queries: list[int] | None = None, *, count: int = 10) -> list[RankedList]:
    """What stands first for each of ``queries`` (row numbers; by default :func:`telling` ones).

    Raises:
        UsageError: the result was loaded, or made from features without images.

    Example:
        >>> from closerlook.evaluation import ranked_lists
        >>> (ranked,) = ranked_lists(cl.evaluate(model, target), [0], count=3)
        >>> [image.rank for image in ranked.nearest[:3]]
        [1, 2, 3]
    """
    return [_ranked(result, query, count) for query in (telling(result) if queries is None else queries)]


def _ranked(result: Result, query: int, count: int) -> RankedList:
    scored = result.per_query.row(query, named=True)
    table = result.ranked_list(query, max(count, int(scored["first_hit"] or 0)))
    shown = table.head(count)
    if not shown["match"].any():
        shown = shown.vstack(table.filter("match").head(1))
    columns = ("rank", "file_name", "camera", "distance", "match")
    nearest = tuple(Ranked(**row) for row in shown.select(columns).iter_rows(named=True))
    kept = {name: scored[name] for name in ("file_name", "identity", "camera", "ap", "first_hit", "matches")}
    return RankedList(**kept, nearest=nearest)


def save_ranked_lists(lists: list[RankedList], path: Path) -> None:
    """Write them as JSON."""
    write_json(path, [asdict(one) for one in lists])


def read_ranked_lists(path: Path) -> list[RankedList]:
    """What :func:`save_ranked_lists` wrote; empty where there is no such file.

    Raises:
        CloserlookError: it is damaged.
    """
    return (
        read_json(path, list[RankedList], "Delete it; it is written when the model is evaluated.")
        if path.exists()
        else []
    )
