"""What an evaluation found: scores, how sure they are, every query's part in them, and the rankings themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from closerlook.errors import CloserlookError, UsageError, first_line, unknown
from closerlook.escaping import html_table
from closerlook.metrics.distance import FeatureDistances
from closerlook.metrics.matching import Matching
from closerlook.metrics.open_set import OpenSet, open_set
from closerlook.metrics.pairs import Pairs, pairs_of
from closerlook.metrics.protocol import Protocol
from closerlook.metrics.scores import cmc, hit_by
from closerlook.metrics.scoring import first_hits, score_search
from closerlook.metrics.search import Search
from closerlook.metrics.uncertainty import Difference, bootstrap_interval, paired_difference
from closerlook.randomness import keyed_rng
from closerlook.storage.documents import read_json
from closerlook.storage.files import write_json

__all__ = ["Result"]

SAVED_RANKS = 50
PAIRED_IMAGES = 2000
WHOLE, NUMBERS = ("query", "identity", "camera", "matches"), ("ap", "inp", "first_hit")
SHOWN_RANKS = (1, 5, 10, 20)
QUERY_KEYS = ("query", "draw", "identity", "file_name")  # by which two results' queries are the same


class _Saved(TypedDict):
    """What a result's file holds; the scores are there for other readers."""

    name: str
    protocol: dict[str, Any]
    matching: dict[str, Any]
    queries: dict[str, Any]
    gallery: Annotated[int, Field(ge=1)]
    mAP: float
    mAP_interval_95: list[float]
    mINP: float
    cmc: list[float]
    per_query: dict[str, list[Any]]


@dataclass(frozen=True, eq=False)
class Result:
    """Scores of a ranking. All are fractions from 0 to 1, over the valid queries only.

    Attributes:
        name: what was evaluated.
        protocol: by which rules.
        matching: by which distance.
        per_query: one row per query (and draw, for single-shot galleries): ``query`` (row number), ``identity``,
            ``camera``, ``matches`` (images to be found), ``ap``, ``inp``, ``first_hit`` (rank of the first match) and
            ``reason``, which says why a query is invalid and is null where it counts; and every column of the query
            images' table. Where ties count by their mean, so does ``first_hit``, beside ``tied`` (among how many images
            that match is tied) and ``tied_matches`` (how many of them match).
        gallery: number of gallery images ranked, junk left out.
        search: the features behind it, for ranked lists; None in a result that was loaded.

    Example:
        >>> result = cl.evaluate(model, target)
        >>> result.per_query.height == len(target.query)
        True
    """

    name: str
    protocol: Protocol
    matching: Matching
    per_query: pl.DataFrame = field(repr=False)
    gallery: int
    search: Search | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {100 * self.score(name):.1f} %" for name in ("mAP", "rank-1"))
        return f"Result({self.name!r}: {scores}; {self.valid:,} queries, {self.gallery:,} gallery images)"

    def _repr_html_(self) -> str:
        scores = {name: f"{100 * self.score(name):.1f} %" for name in ("mAP", "rank-1", "rank-5", "rank-10", "mINP")}
        return html_table(
            f"Result of {self.name}",
            {**scores, "queries": f"{self.valid:,}", "gallery": f"{self.gallery:,}", "protocol": self.protocol.name},
        )

    @property
    def mAP(self) -> float:  # noqa: N802 - the field's own spelling
        """Mean average precision."""
        return self.score("mAP")

    @property
    def mINP(self) -> float:  # noqa: N802
        """Mean inverse negative penalty: how early even the last match is found."""
        return self.score("mINP")

    @cached_property
    def cmc(self) -> NDArray[np.float64]:
        """CMC at every rank, from rank 1 at index 0 to the size of the gallery."""
        return cmc(first_hits(self.per_query), self.gallery)

    def score(self, name: str) -> float:
        """A score by name: ``mAP``, ``mINP`` or ``rank-k`` for any k."""
        return float(_values(self._counted, name).mean())

    @property
    def valid(self) -> int:
        """Number of queries that count."""
        return self._counted["query"].n_unique()

    @property
    def invalid(self) -> int:
        """Number of queries without a match in their gallery."""
        return self.per_query["query"].n_unique() - self.valid

    @property
    def reasons(self) -> dict[str, int]:
        """Why queries are invalid, with how many."""
        lost = self.per_query.unique("query").drop_nulls("reason").group_by("reason").len().sort("reason")
        return dict(lost.iter_rows())

    @property
    def _counted(self) -> pl.DataFrame:
        return self.per_query.filter(pl.col("reason").is_null())

    def interval(self, name: str = "mAP", *, level: float = 0.95, seed: int = 0) -> tuple[float, float]:
        """Confidence interval of a score by bootstrap over identities (2,000 draws)."""
        counted = self._counted
        return bootstrap_interval(_values(counted, name), counted["identity"].to_numpy(), level=level, seed=seed)

    def difference(self, other: Result, name: str = "mAP", *, seed: int = 0) -> Difference:
        """This result minus another on the same queries, with an interval and a permutation test, both over identities.

        Raises:
            UsageError: the two did not rank the same valid queries by the same protocol.
        """
        mine, theirs = self._counted, other._counted
        keys = [key for key in QUERY_KEYS if key in mine.columns and key in theirs.columns]
        alike = self.protocol.to_dict() == other.protocol.to_dict()
        if not alike or not mine.select(keys).equals(theirs.select(keys)):
            raise UsageError(
                f"'{self.name}' ({mine.height:,} valid queries) and '{other.name}' ({theirs.height:,}) did not rank "
                "the same queries; evaluate both on one target with one protocol."
            )
        identities = mine["identity"].to_numpy()
        return paired_difference(name, _values(mine, name), _values(theirs, name), identities, seed=seed)

    def by(self, *columns: str) -> pl.DataFrame:
        """Scores for each value of one or more columns of ``per_query``, such as ``camera`` or ``weather``.

        Columns: the given ones, ``queries``, ``mAP``, ``low`` and ``high`` (95 % interval), ``mINP``, ``rank-1``.
        """
        missing = [column for column in columns if column not in self.per_query.columns]
        if missing or not columns:
            known = [column for column in self.per_query.columns if column not in ("ap", "inp", "first_hit", "reason")]
            raise unknown("column of the queries", missing[0] if missing else "", known)
        rows = []
        for key, group in self._counted.sort(columns).group_by(columns, maintain_order=True):
            ap, identities = _values(group, "mAP"), group["identity"].to_numpy()
            low, high = bootstrap_interval(ap, identities)
            scores = {"mAP": ap.mean(), "low": low, "high": high}
            rest = {name: _values(group, name).mean() for name in ("mINP", "rank-1")}
            rows.append(
                {**dict(zip(columns, key, strict=True)), "queries": group["query"].n_unique(), **scores, **rest}
            )
        return pl.DataFrame(rows)

    def by_camera_pair(self) -> pl.DataFrame:
        """Scores of every camera's queries against every other camera's gallery images alone, with all distractors.

        Columns: ``camera``, ``gallery_camera``, ``queries`` (valid ones), ``mAP``, ``rank-1``.
        """
        search = self._need_search()
        frames = []
        for camera in np.unique(search.gallery.cameras):
            rows = np.flatnonzero(search.gallery.cameras == camera)
            part = score_search(search.restrict(rows), self.protocol).drop_nulls("ap")
            hit = pl.Series("hit", _values(part, "rank-1"))
            scores = (
                part.with_columns(hit)
                .group_by("camera")
                .agg(
                    pl.lit(camera).cast(pl.Int64).alias("gallery_camera"),
                    pl.col("query").n_unique().alias("queries"),
                    pl.col("ap").mean().alias("mAP"),
                    pl.col("hit").mean().alias("rank-1"),
                )
            )
            frames.append(scores)
        return pl.concat(frames).sort("camera", "gallery_camera")

    def worst(self, count: int = 10) -> pl.DataFrame:
        """The valid queries with the lowest AP, worst first; of equal ones first that with the latest first hit."""
        return self._counted.sort("ap", "first_hit", "query", descending=[False, True, False]).head(count)

    def hardest_errors(self, count: int = 10) -> pl.DataFrame:
        """Mistakes to learn from: queries whose nearest image shows somebody else, the most confident first.

        Confidence is ``margin`` = 1 - (distance to the nearest other person) / (distance to the nearest match). At most
        one query per person. Columns: those of :attr:`per_query` and ``margin``.
        """
        search = self._need_search()
        wrong = self._counted.filter(pl.col("first_hit") > 1).unique("query", maintain_order=True)
        match, other = search.nearest(self.protocol)
        margins = []
        for query in wrong["query"]:
            near = search.distances.exact(query, np.array([match[query], other[query]]))
            margins.append(1 - near[1] / near[0] if near[0] > 0 else 0.0)
        ordered = wrong.with_columns(pl.Series("margin", margins, dtype=pl.Float64)).sort(
            "margin", "query", descending=[True, False]
        )
        return ordered.unique("identity", keep="first", maintain_order=True).head(count)

    def ranked_list(self, query: int, count: int = 10) -> pl.DataFrame:
        """The ``count`` gallery images nearest to a query (its row number), those the filter hides left out.

        Columns: ``rank``, ``gallery`` (row number), ``file_name`` where known, ``identity``, ``camera``, ``distance``,
        ``match``.

        Raises:
            UsageError: there is no such query, or the result was loaded and has no features.
        """
        return self._need_search().ranked_list(query, count, self.protocol)

    def pairs(self, *, seed: int = 0) -> Pairs:
        """The cosine similarities of pairs of a query and a gallery image, up to 2,000 of each, whole people at random.

        Raises:
            UsageError: the result was loaded and has no features, or distances were made by re-ranking.
        """
        search, distances = self._need_search(), self._need_features()
        known = np.unique(search.query.identities[search.query.identities >= 0])
        drawn = keyed_rng(seed, "pairs of a result").permutation(known)
        sides = []
        for vectors, labels in ((distances.query, search.query), (distances.gallery, search.gallery)):
            places = [np.flatnonzero(labels.identities == person) for person in drawn]
            rows = np.concatenate(places)[:PAIRED_IMAGES]
            chosen = vectors[torch.from_numpy(rows).to(vectors.device)]
            sides.append((torch.nn.functional.normalize(chosen).numpy(force=True), labels.take(rows)))
        (left, asked), (right, searched) = sides
        return pairs_of((left @ right.T).astype(np.float64), asked, searched, self.name)

    def open_set(self, false_alarm_rate: float = 0.01, *, seed: int = 0) -> OpenSet:
        """How well the queries of enrolled people are found and those of others are turned away.

        Raises:
            UsageError: as :meth:`pairs`.
            CloserlookError: there are too few people.
        """
        search, distances = self._need_search(), self._need_features()
        labels = search.query, search.gallery
        return open_set(distances.query, distances.gallery, *labels, false_alarm_rate=false_alarm_rate, seed=seed)

    def _need_features(self) -> FeatureDistances:
        distances = self._need_search().distances
        if not isinstance(distances, FeatureDistances):
            raise UsageError("Re-ranked distances depend on the whole gallery: thresholds are of plain ones.")
        return distances

    def _need_search(self) -> Search:
        if self.search is None:
            raise UsageError("A loaded result holds scores only; evaluate again to see its rankings.")
        return self.search

    def to_dict(self) -> dict[str, Any]:
        """The result as plain values, as :meth:`from_dict` reads them."""
        low, high = self.interval()
        return {
            "name": self.name,
            "protocol": self.protocol.to_dict(),
            "matching": self.matching.to_dict(),
            "queries": {"valid": self.valid, "invalid": self.invalid, "reasons": self.reasons},
            "gallery": self.gallery,
            "mAP": self.mAP,
            "mAP_interval_95": [low, high],
            "mINP": self.mINP,
            "cmc": self.cmc[:SAVED_RANKS].tolist(),
            "per_query": self.per_query.to_dict(as_series=False),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Result:
        """The inverse of :meth:`to_dict`; scores are computed from the queries again."""
        table = pl.DataFrame(value["per_query"], infer_schema_length=None)
        _check_queries(table, value["gallery"])
        table = table.with_columns(pl.col("ap", "inp").cast(pl.Float64), pl.col("reason").cast(pl.String))
        return cls(
            value["name"],
            Protocol.from_dict(value["protocol"]),
            Matching.from_dict(value["matching"]),
            table,
            value["gallery"],
        )

    def save(self, path: str | Path) -> None:
        """Write the result as JSON."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: str | Path) -> Result:
        """Read a result that :meth:`save` wrote.

        Raises:
            CloserlookError: there is no such file or it is not a result.
        """
        remedy = "Evaluate again."
        value = read_json(path, _Saved, remedy)
        try:
            return cls.from_dict(dict(value))
        except (CloserlookError, ValueError, TypeError, pl.exceptions.PolarsError) as error:
            problem = first_line(error).removesuffix(".")
            raise CloserlookError(f"{path} is not a result that closerlook wrote: {problem}. {remedy}") from None

    def __str__(self) -> str:
        low, high = self.interval()
        ranks = ", ".join(f"rank-{k} {100 * self.cmc[k - 1]:.1f}" for k in SHOWN_RANKS if k <= self.gallery)
        lines = [
            f"{self.name}: mAP {100 * self.mAP:.2f} (95 % interval {100 * low:.1f} to {100 * high:.1f}), {ranks}, "
            f"mINP {100 * self.mINP:.2f}",
            f"{self.valid:,} valid queries, {self.gallery:,} gallery images, protocol {self.protocol.name} "
            f"({self.protocol.ap} AP), {self.matching}",
        ]
        lines += [f"{count:,} invalid: {reason}" for reason, count in self.reasons.items()]
        return "\n".join(lines)


def _check_queries(table: pl.DataFrame, gallery: int) -> None:
    """Refuse a table that cannot have come from a ranking: by types, and by the ranges of what counts.

    Raises:
        CloserlookError: a column is missing or holds something else.
    """
    for name in (*WHOLE, *NUMBERS, "reason"):
        if name not in table.columns:
            raise CloserlookError(f"its queries have no '{name}'.")
        kind = table[name].dtype
        numeric = kind.is_integer() or (name in NUMBERS and kind.is_float())
        if kind != pl.Null and not (kind == pl.String if name == "reason" else numeric):
            raise CloserlookError(f"its queries' '{name}' is of another type.")
    counted = table.filter(pl.col("reason").is_null())
    ranges = {"query": (0, None), "matches": (1, gallery), "ap": (0, 1), "inp": (0, 1), "first_hit": (1, gallery)}
    for name, (low, high) in ranges.items():
        column = counted[name]
        if column.null_count() or (column < low).any() or (high is not None and (column > high).any()):
            raise CloserlookError(f"its queries' '{name}' holds a value that cannot be.")


def _values(table: pl.DataFrame, name: str) -> NDArray[np.float64]:
    """The values whose mean is the score."""
    if name in ("mAP", "mINP"):
        return table["ap" if name == "mAP" else "inp"].to_numpy()
    rank = re.fullmatch(r"rank-([1-9]\d*)", name)
    if rank is None:
        raise unknown("score", name, ["mAP", "mINP", "rank-1", "rank-5", "rank-10"])
    return hit_by(first_hits(table), int(rank[1]))
