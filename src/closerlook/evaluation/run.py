"""Rank a gallery for every query and score the ranking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.embedding import Embedder, Features, extract
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.evaluation.result import Result
from closerlook.metrics.matching import Matching
from closerlook.metrics.protocol import Protocol
from closerlook.metrics.scoring import refuse_all_invalid, score_search
from closerlook.metrics.search import FeatureSet, Search, query_and_gallery

__all__ = ["DEFAULT_MEMORY", "evaluate", "load_model", "rank"]

DEFAULT_MEMORY = 2**30


def evaluate(
    model: str | Path | Embedder,
    target: Dataset,
    *,
    protocol: str | Protocol = "market1501",
    matching: str | Matching = "euclidean",
    size: tuple[int, int] | None = None,
    memory: int = DEFAULT_MEMORY,
    device: str = "cpu",
) -> Result:
    """How well a model finds people: the target's gallery ranked for each of its queries.

    Args:
        model: a trained model's folder, the name of an untrained backbone, or any embedder.
        target: data with a query and a gallery split.
        protocol: the rules, by name or as a value.
        matching: the distance to rank by, as the name of a metric or as a value.
        size: (height, width) of the images for an untrained backbone; a trained model knows its own.
        memory: bytes that distances may take at a time.
        device: where to rank, ``cpu`` or ``cuda``.

    Raises:
        UsageError: ``target`` is no data set, or ``model`` no model.
        CloserlookError: the target lacks a split or identities, or no query has a match.
    """
    if not isinstance(target, Dataset):
        raise UsageError(
            f"The target of evaluate is a {type(target).__name__}, not a data set. Features that exist already are "
            "scored by rank(query, gallery), each a Features(features, identities, cameras)."
        )
    embedder = load_model(model, size) if isinstance(model, str | Path) else model
    rules = Protocol.load(protocol)
    query, gallery = target.query, target.gallery
    _ = query.identities  # refused here, before any work, where one is missing
    gallery = gallery.take(np.flatnonzero(~np.isin(gallery.identities, rules.junk)))
    if not callable(embedder):
        raise UsageError(f"The model of evaluate is a {type(model).__name__}; give a folder, a name or an embedder.")
    return rank(
        extract(embedder, query),
        extract(embedder, gallery),
        protocol=rules,
        matching=matching,
        memory=memory,
        device=device,
        images=(query, gallery),
        name=embedder.name,
    )


def rank(
    query: Features,
    gallery: Features,
    *,
    protocol: str | Protocol = "market1501",
    matching: str | Matching = "euclidean",
    memory: int = DEFAULT_MEMORY,
    device: str = "cpu",
    images: tuple[Dataset, Dataset] | None = None,
    name: str = "features",
) -> Result:
    """Score features that exist already. ``images`` are where they come from, for pictures and breakdowns.

    Raises:
        CloserlookError: features and labels do not fit together, a feature is not finite, or no query has a match.
    """
    for side, given in (("query", query), ("gallery", gallery)):
        if not isinstance(given, Features):
            raise UsageError(
                f"The {side} is a {type(given).__name__}: make it Features(features, identities, cameras)."
            )
    rules = Protocol.load(protocol)
    if memory < 1:
        raise UsageError(f"The memory bound must be at least 1 byte, not {memory}.")
    _check_device(device)
    query_images, gallery_images = images or (None, None)
    left, right = query_and_gallery(
        FeatureSet.from_features(query, query_images, "query"),
        FeatureSet.from_features(gallery, gallery_images, "gallery"),
        rules,
    )
    if left.features.shape[1] != right.features.shape[1]:
        raise CloserlookError(
            f"Query features have {left.features.shape[1]} dimensions and gallery features {right.features.shape[1]}: "
            "they come from different models."
        )
    matching = Matching.load(matching)
    distances = matching.distances(left, right, memory=memory, device=device)
    search = Search(left.labels, right.labels, distances, memory, left.images, right.images)
    with progress(f"Ranking by {name}", len(left), "queries") as advance:
        table = score_search(search, rules, advance)
    refuse_all_invalid(table, search)
    return Result(name, rules, matching, table, len(right), search)


def _check_device(name: str) -> None:
    try:
        device = torch.device(name)
        found = device.type != "cuda" or (device.index or 0) < torch.cuda.device_count()
    except RuntimeError:
        found = False
    if not found:
        raise unknown("--device", name, ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))])


def load_model(model: str | Path, size: tuple[int, int] | None = None) -> Embedder:
    """A trained model from its folder or file, or an untrained backbone by its name, at ``size``.

    Raises:
        UsageError: there is neither a file or folder nor a backbone of this name.
    """
    from closerlook.embedding.backbones import BACKBONES
    from closerlook.reid import Model  # features made elsewhere are ranked without loading this stage

    if Path(model).exists() or Path(model).name != str(model):
        return Model.load(model)
    if str(model) not in BACKBONES and ":" not in str(model):
        raise unknown("model", model, ["a run's folder", *BACKBONES])
    return Model.pretrained(str(model)) if size is None else Model.pretrained(str(model), size)
