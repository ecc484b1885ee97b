"""The rules of an evaluation as one value, with the rules of the known benchmarks by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from closerlook.dataset.dataset import DISTRACTOR, JUNK
from closerlook.errors import UsageError, unknown
from closerlook.storage.documents import checked

__all__ = ["PROTOCOLS", "Filter", "Labels", "Protocol"]


@dataclass(frozen=True)
class Labels:
    """Who is on n images and which camera took them.

    Attributes:
        identities: (n,) int64.
        cameras: (n,) int64; -1 where unknown.
        images: (n,) int64, which image each is, where queries and gallery are the same ones; None where they are not.
    """

    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]
    images: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.identities)

    def take(self, rows: NDArray[Any] | slice) -> Labels:
        """The labels at these rows."""
        images = None if self.images is None else self.images[rows]
        return Labels(self.identities[rows], self.cameras[rows], images)


Filter = Callable[[Labels, Labels], NDArray[np.bool_]]
"""Your own rule: (queries, gallery) -> bool (q, g), true for the gallery images that a query must not be shown."""

AP = Literal["step", "trapezoid"]
Gallery = Literal["multi-shot", "single-shot"]
Ties = Literal["stable", "pessimistic", "mean"]


@dataclass(frozen=True)
class Protocol:
    """How a gallery is ranked for a query and how a ranking is scored.

    Attributes:
        name: what to call it.
        ap: average precision of a ranking whose i-th of R matches stands at rank_i. ``step`` is the mean of i / rank_i,
            as the toolboxes have it; ``trapezoid`` the mean of that and (i - 1) / (rank_i - 1) (1 at rank 1), as the
            authors of Market-1501 have it, 0.4 to 1 point lower.
        junk: identities that are left out of the gallery; a query of theirs is invalid.
        distractors: identities that stay in the gallery but match nobody.
        filter: gallery images that a query is not shown. ``same-camera``: those of the same identity *and* camera,
            where two unknown cameras count as the same; ``none``; or your own :data:`Filter`.
        gallery: ``multi-shot`` ranks all images; ``single-shot`` draws one image per identity, ``draws`` times, and
            every score is the mean over the draws (so AP is 1 / rank: papers on CUHK03 report CMC only).
        draws: how many single-shot galleries.
        seed: which ones.
        ties: where a match stands among equally distant images. ``stable``: by gallery order; ``pessimistic``: behind
            all that do not match; ``mean``: anywhere, and every score is its mean over all orders of the tie.
        pooled: whether query and gallery are thrown together, each image being searched among all others; whatever the
            filter says, no query is shown itself.

    Example:
        >>> cl.Protocol.load("market1501").filter
        'same-camera'
        >>> cl.Protocol(ties="mean").ties
        'mean'
    """

    name: str = "market1501"
    ap: AP = "step"
    junk: tuple[int, ...] = (JUNK,)
    distractors: tuple[int, ...] = (DISTRACTOR,)
    filter: Literal["same-camera", "none"] | Filter = "same-camera"
    gallery: Gallery = "multi-shot"
    draws: int = 10
    seed: int = 0
    ties: Ties = "stable"
    pooled: bool = False

    def __post_init__(self) -> None:
        for field, allowed in (("ap", AP), ("gallery", Gallery), ("ties", Ties)):
            if getattr(self, field) not in get_args(allowed):
                raise unknown(f"{field} of a protocol", getattr(self, field), get_args(allowed))
        if not callable(self.filter) and self.filter not in ("same-camera", "none"):
            raise unknown("filter of a protocol", self.filter, ["same-camera", "none", "a function"])
        if self.draws < 1:
            raise UsageError(f"A single-shot protocol needs at least one draw, not {self.draws}.")

    @classmethod
    def load(cls, source: str | Protocol) -> Protocol:
        """A protocol by name; a protocol is returned as it is."""
        if isinstance(source, Protocol):
            return source
        if source not in PROTOCOLS:
            raise unknown("protocol", source, PROTOCOLS)
        return PROTOCOLS[source]

    def to_dict(self) -> dict[str, Any]:
        """The protocol as plain values; of your own filter only the name is kept."""
        rule = self.filter if isinstance(self.filter, str) else f"custom:{getattr(self.filter, '__name__', 'filter')}"
        return {**asdict(self), "filter": rule, "junk": list(self.junk), "distractors": list(self.distractors)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Protocol:
        """The inverse of :meth:`to_dict`; your own filter comes back as a function that only carries its name."""
        rule = str(value.get("filter"))
        if not rule.startswith("custom:"):
            return checked(value, cls, "the protocol")
        known = checked({**value, "filter": "none"}, cls, "the protocol")
        return replace(known, filter=_lost_filter(rule.removeprefix("custom:")))


def _lost_filter(name: str) -> Filter:
    def lost(query: Labels, gallery: Labels) -> NDArray[np.bool_]:
        raise UsageError(f"The filter '{name}' is not kept in a saved result; give the protocol with its function.")

    lost.__name__ = name
    return lost


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(),
        Protocol("dukemtmc"),
        Protocol("msmt17"),
        Protocol("cuhk03-classic", gallery="single-shot", draws=10),
        Protocol("cuhk03-new"),
        # open-reid searches all test images, queries included, for every one of them: 16,483 queries on Market-1501.
        Protocol("open-reid", pooled=True),
        Protocol("no-cameras", filter="none"),
    )
}
