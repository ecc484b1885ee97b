"""Average precision, inverse negative penalty and first hits, from the places of the matches.

Where images are tied in random order, every score is its mean over all orders of the tie (as McSherry and Najork,
"Computing information retrieval performance measures efficiently in the presence of tied scores", 2008): the i-th
match's precision, say, is no function of its mean rank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from closerlook.metrics.protocol import AP
from closerlook.metrics.ranking import Matches, Tied

__all__ = ["FirstHits", "average_precision", "cmc", "first_hit", "hit_by", "inverse_negative_penalty"]

Values = NDArray[np.float64]


class FirstHits(NamedTuple):
    """The first match of each of n queries, arrays (n,).

    Attributes:
        rank: its mean rank over all orders of its tie; NaN without a match.
        images: among how many images it is tied, 1 where it is not.
        matches: how many of them match.
    """

    rank: Values
    images: NDArray[np.int64]
    matches: NDArray[np.int64]

    @property
    def before(self) -> Values:
        """How many images stand before the tie."""
        return (self.rank - (self.images + 1) / (self.matches + 1)).round()


def average_precision(matches: Matches, queries: int, form: AP) -> Values:
    """AP of each query, shape (queries,); NaN for those without a match.

    ``step``: the mean over the R matches of i / rank_i. ``trapezoid``: of the mean of i / rank_i and
    (i - 1) / (rank_i - 1), the latter 1 where rank_i = 1 (Zheng et al., "Scalable person re-identification", 2015).
    """
    ties = matches.ties
    precision = _precision(ties, ties.before + 1, ties.earlier + 1)
    if form == "trapezoid":
        precision = (precision + _precision_before(ties)) / 2
    return _divide(np.bincount(ties.query, precision, queries).astype(np.float64), _number(matches, queries))


def _precision(ties: Tied, rank: NDArray[np.int64], place: NDArray[np.int64]) -> Values:
    """The sum of (match's number) / rank over a tie's matches, if its first image has this rank >= 1, and a first match
    this number; the mean over all orders.

    One of n images is a match with probability r / n, and the t-th has (t - 1) (r - 1) / (n - 1) matches before it.
    """
    images, hits = ties.images, ties.matches
    inverse = digamma(rank + images) - digamma(rank)  # the sum of 1 / rank over the tie
    others = (hits - 1) / np.maximum(images - 1, 1) * (images - rank * inverse)
    # a tie of one by the definition itself, so that not even the last digit is another
    return np.where(images == 1, place / rank, hits / images * (place * inverse + others))


def _precision_before(ties: Tied) -> Values:
    """The same of (match's number - 1) / (rank - 1), 1 at rank 1."""
    later = _precision(ties, np.maximum(ties.before, 1), ties.earlier)
    # of a tie that begins the list: 1 where its first image matches, (r - 1) / (n - 1) for each of the others
    return np.where(ties.before > 0, later, ties.matches**2 / ties.images)


def inverse_negative_penalty(matches: Matches, queries: int) -> Values:
    """INP of each query, R / rank of its last match, shape (queries,); NaN without a match (Ye et al., 2021)."""
    ties = matches.ties
    last = np.flatnonzero(np.diff(ties.query, append=queries))
    inverse = 1 / (ties.before[last] + 1)
    for i in np.flatnonzero(ties.images[last] > 1):
        before, images, hits = (int(column[last[i]]) for column in (ties.before, ties.images, ties.matches))
        place = np.arange(hits, images + 1)
        # P(last at t) / P(last at t + 1) = (t + 1 - r) / t, and P(last at n) = r / n
        shares = hits / images * np.cumprod(np.append(1, ((place + 1 - hits) / place)[-2::-1]))[::-1]
        inverse[i] = (shares / (before + place)).sum()
    penalties = np.full(queries, np.nan)
    penalties[ties.query[last]] = _number(matches, queries)[ties.query[last]] * inverse
    return penalties


def first_hit(matches: Matches, queries: int) -> FirstHits:
    """The first match of each query, see :class:`FirstHits`."""
    ties = matches.ties
    first = np.flatnonzero(np.diff(ties.query, prepend=-1))
    hits = FirstHits(np.full(queries, np.nan), *np.ones((2, queries), np.int64))
    found = ties.query[first]
    hits.images[found], hits.matches[found] = ties.images[first], ties.matches[first]
    hits.rank[found] = ties.before[first] + (ties.images[first] + 1) / (ties.matches[first] + 1)
    return hits


def hit_by(first: FirstHits, rank: int | NDArray[np.int64]) -> Values:
    """The probability that a query's first match is at ``rank`` or before: 0 or 1 where it is not tied, NaN without."""
    images, matches = first.images, first.matches
    seen = np.clip(rank - first.before, 0, images)  # of its tie
    missed = np.maximum(images - matches - seen, 0)
    # all that are seen are among those that do not match: C(n - r, t) / C(n, t)
    none = gammaln(images - matches + 1) - gammaln(missed + 1) + gammaln(images - seen + 1) - gammaln(images + 1)
    return np.where(seen > images - matches, 1.0, -np.expm1(none) + 0.0)


def cmc(first: FirstHits, ranks: int) -> Values:
    """Cumulated matching characteristic at ranks 1 .. ``ranks``: the share of first hits at that rank or before.

    Queries without a match are left out of numerator and denominator.
    """
    valid = np.flatnonzero(~np.isnan(first.rank))
    before, images = first.before[valid].astype(np.int64), first.images[valid]
    certain = before + images - first.matches[valid] + 1  # the rank by which the first match is seen in any order
    found = np.cumsum(np.bincount(certain, minlength=ranks + 1))[1 : ranks + 1].astype(np.float64)
    for i in np.flatnonzero(certain > before + 1):
        rank = np.arange(before[i] + 1, min(certain[i], ranks + 1))
        found[rank - 1] += hit_by(FirstHits(*(column[valid[i]] for column in first)), rank)
    return np.asarray(found / max(len(valid), 1), np.float64)


def _number(matches: Matches, queries: int) -> NDArray[np.int64]:
    return np.bincount(matches.query, minlength=queries)


def _divide(sums: Values, by: NDArray[np.int64]) -> Values:
    return np.where(by > 0, sums / np.maximum(by, 1), np.nan)
