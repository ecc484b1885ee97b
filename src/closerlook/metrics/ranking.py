"""Where the matches of every query stand in its ranked gallery, block by block, without sorting the gallery.

A score needs only the places of a query's few matches, and what stands before a match are the images nearer than it.
Counting those costs less than a sort where matches are few; where they are many, or on a GPU, the distances are sorted
by value (never by index) and searched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from closerlook.metrics.distance import Distances
from closerlook.metrics.protocol import Labels, Protocol, Ties
from closerlook.randomness import keyed_rng

__all__ = ["Matches", "Tied", "find_matches", "positives", "visible_positives"]

COLUMNS_A_MATCH = 300  # sorting a row costs as much as counting for one match in so many columns (measured)

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Matches:
    """The kept matches of all queries, sorted by query and place.

    Attributes:
        query: (m,) row of the query; with single-shot draws, draw * queries + row.
        before: (m,) how many images of the filtered gallery stand before it for certain.
        tied: (m,) among how many images, itself included, it stands in random order from there; 1 if ties are broken.
    """

    query: Rows
    before: Rows
    tied: Rows

    @cached_property
    def ties(self) -> Tied:
        """The matches by the tie that they are in, mostly a tie of one."""
        new = np.diff(self.query, prepend=-1).astype(bool) | np.diff(self.before, prepend=-1).astype(bool)
        start = np.flatnonzero(new)
        query = self.query[start]
        matches = np.diff(start, append=len(self.query))
        earlier = start - np.searchsorted(self.query, query)
        return Tied(query, self.before[start], self.tied[start], matches, earlier)


class Tied(NamedTuple):
    """Ties that hold a match, sorted by query and place, each an array (t,).

    Attributes:
        query: as in :class:`Matches`.
        before: how many images stand before the tie.
        images: how many it holds, in random order.
        matches: how many of them match.
        earlier: how many matches of the query stand before the tie.
    """

    query: Rows
    before: Rows
    images: Rows
    matches: Rows
    earlier: Rows


def find_matches(
    distances: Distances,
    query: Labels,
    gallery: Labels,
    protocol: Protocol,
    block_size: int,
    advance: Callable[[int], None] = lambda queries: None,
) -> Matches:
    """Rank the gallery (free of junk) for every query, ``block_size`` at a time; ``advance`` hears of each block."""
    draws = _draws(gallery, protocol) if protocol.gallery == "single-shot" else None
    parts = []
    for start in range(0, len(query), block_size):
        block = slice(start, min(start + block_size, len(query)))
        values = distances.block(block)
        rows, columns = visible_positives(values, query.take(block), gallery, protocol)
        if draws is None:
            parts.append((rows + start, *_places(values, rows, columns, protocol.ties)))
        for number, draw in enumerate(draws or ()):
            drawn, before, tied = _place_drawn(values, rows, columns, gallery, draw, protocol.ties)
            parts.append((drawn + start + number * len(query), before, tied))
        advance(block.stop - start)
    queries, before, tied = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((before, queries))
    return Matches(queries[order], before[order], tied[order])


def positives(query: Labels, gallery: Labels, protocol: Protocol) -> tuple[Rows, Rows]:
    """Every pair (query row, gallery row) of the same identity, by query and then gallery order."""
    order = np.argsort(gallery.identities, kind="stable")
    known = gallery.identities[order]
    start = np.searchsorted(known, query.identities, side="left")
    count = np.searchsorted(known, query.identities, side="right") - start
    count[np.isin(query.identities, protocol.junk + protocol.distractors)] = 0
    rows = np.repeat(np.arange(len(query)), count)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return rows, order[np.repeat(start, count) + within]


def visible_positives(values: torch.Tensor, query: Labels, gallery: Labels, protocol: Protocol) -> tuple[Rows, Rows]:
    """The positives that the filter leaves, never the query itself; hidden ones are moved to infinity in ``values``."""
    rows, columns = positives(query, gallery, protocol)
    keep = np.ones(len(rows), bool)
    if callable(protocol.filter):
        hidden = np.asarray(protocol.filter(query, gallery), dtype=bool)
        values[torch.from_numpy(hidden).to(values.device)] = torch.inf
        keep = ~hidden[rows, columns]
    elif protocol.filter == "same-camera":
        keep = query.cameras[rows] != gallery.cameras[columns]
    if query.images is not None and gallery.images is not None:
        keep &= query.images[rows] != gallery.images[columns]
    values[_index(rows[~keep], values), _index(columns[~keep], values)] = torch.inf
    return rows[keep], columns[keep]


def _index(values: Rows, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(values).to(like.device)


def _places(values: torch.Tensor, rows: Rows, columns: Rows, ties: Ties) -> tuple[Rows, Rows]:
    """:attr:`Matches.before` and :attr:`Matches.tied` of column ``columns[i]`` in row ``rows[i]``; ``rows`` ascend."""
    alone = np.ones(len(rows), np.int64)
    if ties == "stable" and not values.is_cuda and len(rows) * COLUMNS_A_MATCH <= values.numel():
        return _count_before(values.numpy(), rows, columns), alone
    sought = values[_index(rows, values), _index(columns, values)]
    before, as_near = _count_in_order(values, rows, sought)
    if ties == "mean":
        return before, as_near
    tied = np.flatnonzero(as_near > 1)
    if ties == "stable":
        for i in tied:
            before[i] += int((values[rows[i], : columns[i]] == sought[i]).sum())
    elif len(tied):
        place, matches = _within_ties(rows[tied], before[tied])
        before[tied] += as_near[tied] - matches + place - 1
    return before, alone


def _count_before(values: NDArray[np.floating], rows: Rows, columns: Rows) -> Rows:
    """By counting what stands before, in gallery order: earlier columns as near, and later ones that are nearer."""
    before = np.empty(len(rows), np.int64)
    scratch = np.empty(values.shape[1], dtype=bool)
    for i, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        entries = values[row]
        np.less_equal(entries[:column], entries[column], out=scratch[:column])
        np.less(entries[column:], entries[column], out=scratch[column:])
        before[i] = np.count_nonzero(scratch)
    return before


def _within_ties(rows: Rows, nearer: Rows) -> tuple[Rows, Rows]:
    """For every tied match: the how many-th match of its tie it is, from 1, and how many matches the tie holds."""
    _, group, size = np.unique(np.stack([rows, nearer]), axis=1, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    place = np.empty(len(rows), np.int64)
    place[order] = np.arange(len(rows)) - (np.cumsum(size) - size)[group[order]] + 1
    return place, size[group]


def _count_in_order(values: torch.Tensor, rows: Rows, sought: torch.Tensor) -> tuple[Rows, Rows]:
    """How many entries of row ``rows[i]`` are less than ``sought[i]``, and how many equal it, from the sorted rows."""
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    at = _index(rows, values), _index(place, values)
    padded = sought.new_full((len(values), int(place.max(initial=0)) + 1), torch.inf)
    padded[at] = sought
    if values.is_cuda:
        ordered = values.sort(dim=1).values
    else:  # NumPy sorts values several times faster than torch, which carries indices along
        ordered = torch.from_numpy(np.sort(values.numpy(), axis=1))
    less = torch.searchsorted(ordered, padded)[at].numpy(force=True)
    return less, torch.searchsorted(ordered, padded, right=True)[at].numpy(force=True) - less


@dataclass(frozen=True)
class _Draw:
    """A single-shot gallery: ``columns`` of the drawn images, and the random ``order`` that drew the first of each."""

    columns: Rows
    order: NDArray[np.float64]


def _draws(gallery: Labels, protocol: Protocol) -> list[_Draw]:
    draws = []
    loose = np.isin(gallery.identities, protocol.distractors)  # each distractor is a person of its own
    for number in range(protocol.draws):
        order = keyed_rng(protocol.seed, "single-shot", number).random(len(gallery))
        by_order = np.argsort(order)
        _, first = np.unique(gallery.identities[by_order], return_index=True)
        columns = by_order[first]
        draws.append(_Draw(np.union1d(columns, np.flatnonzero(loose)), order))
    return draws


def _place_drawn(
    values: torch.Tensor, rows: Rows, columns: Rows, gallery: Labels, draw: _Draw, ties: Ties
) -> tuple[Rows, Rows, Rows]:
    """The query, and the place (:func:`_places`) of its one match in a drawn gallery.

    The match is drawn among the *visible* images of the query's identity and takes the place of that identity's image.
    """
    first = np.lexsort((draw.order[columns], rows))
    first = first[np.unique(rows[first], return_index=True)[1]]
    rows, columns = rows[first], columns[first]
    identities = gallery.identities[draw.columns]
    by_identity = np.argsort(identities, kind="stable")
    place = by_identity[np.searchsorted(identities[by_identity], gallery.identities[columns])]
    shown = values[:, _index(draw.columns, values)]
    shown[_index(rows, values), _index(place, values)] = values[_index(rows, values), _index(columns, values)]
    return rows, *_places(shown, rows, place, ties)
