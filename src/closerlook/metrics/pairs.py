"""Same person or not, pair by pair: the ROC, and thresholds for a stated rate of false matches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from closerlook.errors import CloserlookError, UsageError
from closerlook.metrics.protocol import Labels
from closerlook.randomness import keyed_rng
from closerlook.storage.documents import checked, read_json
from closerlook.storage.files import write_json

__all__ = ["OperatingPoint", "Pairs", "pairs_of"]

Values = NDArray[np.float64]
Share = Annotated[float, Field(ge=0, le=1)]
Cosine = Annotated[float, Field(ge=-1.001, le=1.001)]
DRAWS = 500
TAIL = 20  # times the pairs beyond a threshold that a drawn sample's threshold is looked for among
ROC_POINTS = 1000


@dataclass(frozen=True)
class OperatingPoint:
    """From which similarity on two pictures are held to be of one person.

    Attributes:
        data: whose pairs it was chosen on.
        threshold: cosine similarity, of which and above which a pair is a match.
        threshold_low, threshold_high: its interval.
        false_match_rate: the rate that was asked for: the share of pairs of two people that are matches.
        true_match_rate: the share of pairs of one person that are.
        true_match_rate_low, true_match_rate_high: its interval.
        level: of the intervals, by drawing whole people with replacement.
        people: how many.
        same: pairs of one person.
        different: pairs of two people.
    """

    data: str
    threshold: Cosine
    threshold_low: Cosine
    threshold_high: Cosine
    false_match_rate: Share
    true_match_rate: Share
    true_match_rate_low: Share
    true_match_rate_high: Share
    level: Share
    people: Annotated[int, Field(ge=2)]
    same: Annotated[int, Field(ge=1)]
    different: Annotated[int, Field(ge=1)]

    def is_match(self, similarity: float) -> bool:
        """Whether a pair of this similarity is held to be of one person."""
        return similarity >= self.threshold

    def __str__(self) -> str:
        return (
            f"threshold {self.threshold:.3f} ({100 * self.level:.0f} % interval {self.threshold_low:.3f} to "
            f"{self.threshold_high:.3f}) for {100 * self.false_match_rate:g} % false matches in {self.data}: "
            f"{100 * self.true_match_rate:.1f} % ({100 * self.true_match_rate_low:.1f} to "
            f"{100 * self.true_match_rate_high:.1f}) of the pairs of one person match ({self.people:,} people)"
        )

    def save(self, path: str | Path, more: Mapping[str, Any] | None = None) -> None:
        """Write it as JSON, with ``more`` for other readers."""
        write_json(path, {**asdict(self), **(more or {})})

    @classmethod
    def load(cls, path: str | Path) -> OperatingPoint:
        """Read what :meth:`save` wrote.

        Raises:
            CloserlookError: there is no such file, or it holds something else.
        """
        value = read_json(path, dict[str, Any], "Evaluate again with --false-match-rate.")
        return checked({name: value.get(name) for name in cls.__dataclass_fields__}, cls, str(path))


@dataclass(frozen=True)
class Pairs:
    """Cosine similarities of pairs of images from known data, across cameras where these are known.

    Attributes:
        name: of the data.
        same: of pairs of one person, ascending, (n,).
        same_people: who, (n,).
        different: of pairs of two people, ascending, (m,).
        different_people: who, (m, 2).
    """

    name: str
    same: Values = field(repr=False)
    same_people: NDArray[np.int64] = field(repr=False)
    different: Values = field(repr=False)
    different_people: NDArray[np.int64] = field(repr=False)

    def describe(self, similarity: float) -> str:
        """What a similarity means among these pairs, in a sentence."""
        of_same = np.searchsorted(self.same, similarity, side="right") / len(self.same)
        of_different = np.searchsorted(self.different, similarity, side="right") / len(self.different)
        return (
            f"In {self.name} this is nearer than {100 * of_different:.1f} % of the pairs of different people and than "
            f"{100 * of_same:.1f} % of the pairs of one person."
        )

    def threshold(self, false_match_rate: float) -> float:
        """The lowest similarity of which and above which no larger share of the pairs of two people is.

        Raises:
            UsageError: the rate is not between 0 and 1, or so low that not one of the pairs would be a match.
        """
        allowed = self._allowed(false_match_rate)
        return float(np.nextafter(self.different[-allowed - 1], np.inf))

    def true_match_rate(self, false_match_rate: float) -> float:
        """The share of the pairs of one person that are matches at a rate of false matches (TPR@FPR)."""
        return self._matched(self.threshold(false_match_rate))

    def roc(self) -> pl.DataFrame:
        """The curve: ``threshold``, ``false_match_rate``, ``true_match_rate``, from the highest threshold down, at most
        1,000 points, as many on the last decades as on the first."""
        count = len(self.different)
        allowed = np.unique(np.geomspace(1, count, ROC_POINTS).astype(np.int64) - 1)
        thresholds = np.nextafter(self.different[count - 1 - allowed], np.inf)
        beyond = count - np.searchsorted(self.different, thresholds)
        matched = len(self.same) - np.searchsorted(self.same, thresholds)
        return pl.DataFrame(
            {
                "threshold": thresholds,
                "false_match_rate": beyond / count,
                "true_match_rate": matched / len(self.same),
            }
        )

    def operating_point(
        self, false_match_rate: float = 0.001, *, level: float = 0.95, draws: int = DRAWS, seed: int = 0
    ) -> OperatingPoint:
        """The threshold for a rate of false matches, and what it finds, with intervals by drawing whole people.

        Raises:
            UsageError: as :meth:`threshold`.
        """
        allowed = self._allowed(false_match_rate)
        threshold = self.threshold(false_match_rate)
        known, codes = np.unique(np.append(self.same_people, self.different_people.ravel()), return_inverse=True)
        same, different = codes[: len(self.same)], codes[len(self.same) :].reshape(-1, 2)
        tail = different[::-1][: TAIL * (allowed + 1)]
        similarity = self.different[::-1][: len(tail)]
        counts = np.bincount(different[:, 0] * len(known) + different[:, 1], minlength=len(known) ** 2)
        every = counts.reshape(len(known), len(known)).astype(np.float64)
        rng = keyed_rng(seed, "operating point", len(known))
        weights = rng.multinomial(len(known), np.full(len(known), 1 / len(known)), size=draws).astype(np.float64)
        found = np.array([self._drawn(w, same, tail, similarity, every, false_match_rate) for w in weights])
        edges = [(1 - level) / 2, (1 + level) / 2]
        (low, rate_low), (high, rate_high) = np.nanquantile(found, edges, axis=0)
        return OperatingPoint(
            self.name,
            threshold,
            min(float(low), threshold),
            max(float(high), threshold),
            false_match_rate,
            self._matched(threshold),
            float(rate_low),
            float(rate_high),
            level,
            len(known),
            len(self.same),
            len(self.different),
        )

    def _drawn(
        self,
        weights: Values,
        same: NDArray[np.int64],
        tail: NDArray[np.int64],
        similarity: Values,
        every: Values,
        rate: float,
    ) -> tuple[float, float]:
        """Threshold and rate of true matches of one sample of people; a pair counts as often as both are drawn."""
        beyond = np.cumsum(weights[tail[:, 0]] * weights[tail[:, 1]])
        first = int(np.searchsorted(beyond, rate * (weights @ every @ weights), side="right"))
        threshold = float(similarity[min(first, len(similarity) - 1)])
        own = weights[same]
        total = own.sum()
        return threshold, float(own[self.same > threshold].sum() / total) if total else np.nan

    def _allowed(self, rate: float) -> int:
        if not 0 < rate < 1:
            raise UsageError(f"A rate of false matches is between 0 and 1, not {rate}.")
        allowed = int(rate * len(self.different))
        if not allowed:
            raise UsageError(
                f"{self.name} has {len(self.different):,} pairs of different people: too few for a rate of {rate:g} "
                f"false matches; ask for {1 / len(self.different):.1g} or more, or give more data."
            )
        return min(allowed, len(self.different) - 1)

    def _matched(self, threshold: float) -> float:
        return float((self.same >= threshold).mean())


def pairs_of(similarity: Values, one: Labels, other: Labels, name: str, *, among: bool = False) -> Pairs:
    """The pairs of two sets of images, none of them junk or a distractor.

    Args:
        similarity: (n, m).
        among: whether both sets are the same images, so that each pair is there twice and each image with itself.

    Raises:
        CloserlookError: there are no pairs of one person by different cameras, or none of two people.
    """
    own = one.identities[:, None] == other.identities[None]
    apart = (one.cameras[:, None] != other.cameras[None]) | (one.cameras[:, None] == -1)
    counted = np.triu(np.ones_like(own), 1) if among else np.ones_like(own)
    same, different = np.nonzero(own & apart & counted), np.nonzero(~own & counted)
    if not len(same[0]) or not len(different[0]):
        raise CloserlookError(
            f"{name} has no two images of one person by different cameras, or only one person: it cannot say what "
            "a similarity means."
        )
    orders = [np.argsort(similarity[rows], kind="stable") for rows in (same, different)]
    people = np.stack([one.identities[different[0]], other.identities[different[1]]], axis=1)
    return Pairs(
        name,
        similarity[same][orders[0]],
        one.identities[same[0]][orders[0]],
        similarity[different][orders[1]],
        people[orders[1]],
    )
