"""Ranked lists with their pictures, for a page; only of targets that were rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from closerlook.dataset import Dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.images import resize
from closerlook.evaluation.ranked_lists import RANKED_LISTS, RankedList, read_ranked_lists
from closerlook.reporting.samples import data_uri, image_size

__all__ = ["ShownImage", "ShownRanking", "show_rankings"]


@dataclass(frozen=True)
class ShownImage:
    """An image in a ranking: how it is labeled, and whether it shows the query's person (None: it is the query)."""

    uri: str
    label: str
    tip: str
    match: bool | None


@dataclass(frozen=True)
class ShownRanking:
    """A query's ranking: what was reached, and the images from left to right, the query first."""

    heading: str
    images: Sequence[ShownImage]


def show_rankings(folder: Path, target: Dataset) -> list[ShownRanking]:
    """The rankings of one run, worst average precision first; empty where the run has none or images have gone."""
    lists = sorted(read_ranked_lists(folder / RANKED_LISTS), key=lambda one: one.ap)
    size = image_size(target)
    files = {name for one in lists for name in (one.file_name, *(image.file_name for image in one.nearest))}
    if any(not (target.root / name).is_file() for name in files):
        return []
    drawn = {name: data_uri(resize(read_image(target.root / name), size), quality=82) for name in files}
    return [_shown(one, drawn) for one in lists]


def _shown(one: RankedList, drawn: dict[str, str]) -> ShownRanking:
    query = f"Query: person {one.identity}, camera {one.camera}."
    images = [ShownImage(drawn[one.file_name], "query", query, None)]
    for image in one.nearest:
        who = "the same person" if image.match else "another person"
        tip = f"Rank {image.rank}: {who}, camera {image.camera}, distance {image.distance:.3f}."
        images.append(ShownImage(drawn[image.file_name], str(image.rank), tip, image.match))
    where = f"first match at rank {one.first_hit:g}, {one.matches} to be found"
    return ShownRanking(f"Person {one.identity}, camera {one.camera}: average precision {one.ap:.2f}, {where}", images)
