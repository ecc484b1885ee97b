"""Rank a gallery for every query and score the ranking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from closerlook.compute.progress import progress
from closerlook.dataset import Dataset
from closerlook.embedding import Arrays, Embedder, EmbeddingFunction, Features, as_embedder, as_features, extract
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.evaluation.result import Result
from closerlook.inputs import find_model
from closerlook.metrics.matching import Matching
from closerlook.metrics.protocol import Protocol
from closerlook.metrics.scoring import refuse_all_invalid, score_search
from closerlook.metrics.search import FeatureSet, Search, query_and_gallery

__all__ = ["DEFAULT_MEMORY", "evaluate", "load_model", "rank"]

DEFAULT_MEMORY = 2**30


def evaluate(
    model: str | Path | Embedder | EmbeddingFunction | Arrays,
    target: Dataset | Arrays,
    *,
    protocol: str | Protocol = "market1501",
    matching: str | Matching = "euclidean",
    size: tuple[int, int] | None = None,
    memory: int = DEFAULT_MEMORY,
    device: str = "cpu",
) -> Result:
    """How well a model finds people: the target's gallery ranked for each of its queries.

    Args:
        model: a trained model's folder, the name of an untrained backbone, any embedder, or any function from images
            (b, h, w, 3) uint8 RGB to vectors (b, d). Or the queries as arrays: (vectors (n, d), identities (n,),
            cameras (n,)), the last of which may be left out; or as :class:`closerlook.Features`.
        target: data with a query and a gallery split; where ``model`` is the queries, the gallery in the same way.
        protocol: the rules, by name or as a value.
        matching: the distance to rank by, as the name of a metric or as a value.
        size: (height, width) of the images for an untrained backbone or a function; a trained model knows its own.
        memory: bytes that distances may take at a time.
        device: where to rank, ``cpu`` or ``cuda``.

    Raises:
        UsageError: ``target`` is no data set, ``model`` no model, or arrays do not fit together.
        CloserlookError: the target lacks a split or identities, or no query has a match.

    Example:
        >>> result = cl.evaluate(model, target)
        >>> 0 <= result.mAP <= 1
        True
    """
    if isinstance(model, Features | tuple):
        if isinstance(target, Dataset):
            raise UsageError(
                "The queries are arrays, so the gallery must be arrays too: (vectors, identities, cameras)."
            )
        return rank(
            as_features(model, "query"),
            as_features(target, "gallery"),
            protocol=protocol,
            matching=matching,
            memory=memory,
            device=device,
        )
    if not isinstance(target, Dataset):
        raise UsageError(
            f"The target of evaluate is a {type(target).__name__}, not a data set. Features that exist already are "
            "scored by evaluate(query, gallery), each of them (vectors, identities, cameras)."
        )
    rules = Protocol.load(protocol)
    query, gallery = target.query, target.gallery
    _ = query.identities  # refused here, before any work, where one is missing
    gallery = gallery.take(np.flatnonzero(~np.isin(gallery.identities, rules.junk)))
    embedder = load_model(model, size) if isinstance(model, str | Path) else as_embedder(model, size or (128, 64))
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

    Example:
        >>> from closerlook.embedding import Features
        >>> from closerlook.evaluation import rank
        >>> one = Features(np.eye(3, dtype=np.float32), np.array([1, 2, 3]), np.array([1, 1, 1]))
        >>> other = Features(np.eye(3, dtype=np.float32), np.array([1, 2, 3]), np.array([2, 2, 2]))
        >>> rank(one, other).mAP
        1.0
    """
    for side, given in (("query", query), ("gallery", gallery)):
        if not isinstance(given, Features):
            raise UsageError(f"The {side} is a {type(given).__name__}: make it with Features.from_arrays.")
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

    Example:
        >>> from closerlook.evaluation import load_model
        >>> load_model("lite0", (64, 32)).dim
        1280
    """
    from closerlook.reid import Model  # features made elsewhere are ranked without loading this stage

    trained = find_model(model)
    if trained is not None:
        return Model.load(trained)
    return Model.pretrained(str(model)) if size is None else Model.pretrained(str(model), size)
