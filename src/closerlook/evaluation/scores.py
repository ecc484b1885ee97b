"""Average precision, inverse negative penalty and first hits, from the ranks of the matches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.evaluation.protocol import AP
from closerlook.evaluation.ranking import Matches

__all__ = ["average_precision", "cmc", "first_hit", "inverse_negative_penalty"]


def average_precision(matches: Matches, queries: int, form: AP) -> NDArray[np.float64]:
    """AP of each query, shape (queries,); NaN for those without a match.

    ``step``: the mean over the R matches of i / rank_i. ``trapezoid``: of the mean of i / rank_i and
    (i - 1) / (rank_i - 1), the latter 1 where rank_i = 1 (Zheng et al., "Scalable person re-identification", 2015).
    """
    place, rank = _place(matches), matches.rank
    precision = place / rank
    if form == "trapezoid":
        before = np.divide(place - 1, rank - 1, out=np.ones_like(rank), where=rank > 1)
        precision = (precision + before) / 2
    return _divide(np.bincount(matches.query, precision, queries).astype(np.float64), _number(matches, queries))


def inverse_negative_penalty(matches: Matches, queries: int) -> NDArray[np.float64]:
    """INP of each query, R / rank of its last match, shape (queries,); NaN without a match (Ye et al., 2021)."""
    last = np.zeros(queries)
    np.maximum.at(last, matches.query, matches.rank)
    return _divide(_number(matches, queries).astype(np.float64), last)


def first_hit(matches: Matches, queries: int) -> NDArray[np.float64]:
    """The rank of the first match of each query, shape (queries,); NaN without a match."""
    first = np.full(queries, np.inf)
    np.minimum.at(first, matches.query, matches.rank)
    return np.where(np.isinf(first), np.nan, first)


def cmc(first: NDArray[np.float64], ranks: int) -> NDArray[np.float64]:
    """Cumulated matching characteristic at ranks 1 .. ``ranks``: the share of first hits at that rank or before.

    Hits at NaN (invalid queries) are left out of numerator and denominator.
    """
    hits = np.ceil(first[~np.isnan(first)]).astype(np.int64)
    found = np.cumsum(np.bincount(hits, minlength=ranks + 1))[1 : ranks + 1]
    return np.asarray(found / max(len(hits), 1), np.float64)


def _number(matches: Matches, queries: int) -> NDArray[np.int64]:
    return np.bincount(matches.query, minlength=queries)


def _place(matches: Matches) -> NDArray[np.float64]:
    """i for the i-th match of its query, from 1."""
    start = np.searchsorted(matches.query, matches.query)
    return np.arange(len(matches.query), dtype=np.float64) - start + 1


def _divide(sums: NDArray[np.float64], by: NDArray[np.floating] | NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(by > 0, sums / np.maximum(by, 1), np.nan)
