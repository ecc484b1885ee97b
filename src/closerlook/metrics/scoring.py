"""From a search to the table of its queries: what each found, and why some do not count."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from closerlook.errors import CloserlookError
from closerlook.metrics.distance import block_size
from closerlook.metrics.protocol import Protocol
from closerlook.metrics.ranking import find_matches, positives
from closerlook.metrics.scores import FirstHits, average_precision, first_hit, inverse_negative_penalty
from closerlook.metrics.search import Search

__all__ = ["first_hits", "refuse_all_invalid", "score_search"]

SIMPLE = selectors.string() | selectors.numeric() | selectors.boolean()  # columns that a result keeps of its queries

HIDDEN = "all images of its identity in the gallery are hidden by the filter"
HIDDEN_BY_CAMERA = f"{HIDDEN} (same camera)"


def score_search(
    search: Search, protocol: Protocol, advance: Callable[[int], None] = lambda queries: None
) -> pl.DataFrame:
    """The table of :attr:`Result.per_query`."""
    block = block_size(len(search.gallery), search.memory)
    matches = find_matches(search.distances, search.query, search.gallery, protocol, block, advance)
    draws = protocol.draws if protocol.gallery == "single-shot" else 1
    number = draws * len(search.query)
    rows = np.tile(np.arange(len(search.query)), draws)
    first = first_hit(matches, number)
    columns: dict[str, object] = {
        "query": rows,
        "identity": search.query.identities[rows],
        "camera": search.query.cameras[rows],
        "matches": np.bincount(matches.query, minlength=number),
        "ap": average_precision(matches, number, protocol.ap),
        "inp": inverse_negative_penalty(matches, number),
        "first_hit": first.rank,
        "reason": _reasons(search, protocol, matches.query) * draws,
    }
    if draws > 1:
        columns["draw"] = np.repeat(np.arange(draws), len(search.query))
    table = pl.DataFrame(columns, schema_overrides={"reason": pl.String}).with_columns(
        pl.col("ap", "inp", "first_hit").fill_nan(None)
    )
    if protocol.ties == "mean":
        table = table.with_columns(tied=first.images, tied_matches=first.matches)
    else:
        table = table.with_columns(pl.col("first_hit").cast(pl.Int64))
    if search.query_images is not None:
        known = search.query_images.table.select(SIMPLE).drop("split", *table.columns, strict=False)
        table = pl.concat([table, known[rows].with_columns(_finite(selectors.float()))], how="horizontal")
    return table


def first_hits(table: pl.DataFrame) -> FirstHits:
    """The first matches of the queries of :func:`score_search`."""
    alone = pl.lit(1, dtype=pl.Int64)
    counts = ("tied", "tied_matches")
    shown = table.select(
        "first_hit", *(pl.col(name) if name in table.columns else alone.alias(name) for name in counts)
    )
    rank = shown["first_hit"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return FirstHits(rank, *(shown[name].to_numpy() for name in counts))


def _finite(columns: selectors.Selector) -> pl.Expr:
    """JSON has neither NaN nor infinity."""
    return columns.as_expr().fill_nan(None).replace([float("inf"), float("-inf")], None)


def _reasons(search: Search, protocol: Protocol, found: NDArray[np.int64]) -> list[str | None]:
    """Why each query is invalid; None where it has a match."""
    total = len(search.query)
    related = np.zeros(total, bool)
    rows, columns = positives(search.query, search.gallery, protocol)
    if search.query.images is not None and search.gallery.images is not None:
        other = search.query.images[rows] != search.gallery.images[columns]
        rows = rows[other]
    related[rows] = True
    absent = "its identity is not in the gallery"
    reasons = np.full(total, "no other image shows its identity" if protocol.pooled else absent, object)
    reasons[related] = HIDDEN if callable(protocol.filter) else HIDDEN_BY_CAMERA
    for kind, numbers in (("junk", protocol.junk), ("a distractor", protocol.distractors)):
        reasons[np.isin(search.query.identities, numbers)] = f"its identity means {kind} in protocol {protocol.name}"
    reasons[found[found < total]] = None
    return list(reasons)


def refuse_all_invalid(table: pl.DataFrame, search: Search) -> None:
    """Raise if no query counts, with the counts and the usual cause."""
    if table["reason"].null_count():
        return
    reasons = table.unique("query").group_by("reason").len().sort("len", descending=True)
    counts = "; ".join(f"{count:,} because {reason}" for reason, count in reasons.iter_rows())
    raise CloserlookError(
        f"None of the {len(search.query):,} queries has a match among the {len(search.gallery):,} gallery images: "
        f"{counts}. {_way_out(search, set(reasons['reason']))}"
    )


def _way_out(search: Search, reasons: set[str]) -> str:
    """What to do where no query has a match for these reasons."""
    if HIDDEN_BY_CAMERA not in reasons:
        return "Check the identities of query and gallery."
    sides = (("query", search.query), ("gallery", search.gallery))
    cameras = " and ".join(f"{what}: {_camera_summary(labels.cameras)}" for what, labels in sides)
    if any((labels.cameras == -1).any() for _, labels in sides):
        return (
            f"The usual cause is missing camera ids ({cameras}): give every image its camera, or, if there is only "
            "one, use the protocol 'no-cameras'."
        )
    return f"Nobody is seen by two cameras ({cameras}): use the protocol 'no-cameras' to count what one camera saw."


def _camera_summary(cameras: NDArray[np.int64]) -> str:
    unknown = int((cameras == -1).sum())
    known = len(np.unique(cameras[cameras != -1]))
    return f"{known} camera{'s' * (known != 1)}, {unknown:,} images without one"
