"""``adapt``: the scene's continuous parameters tuned to a target's unlabeled images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from closerlook.adaptation.figures import COLUMNS, save_trace
from closerlook.adaptation.loop import Trace, search_scene
from closerlook.adaptation.objective import Distance, Objective
from closerlook.adaptation.scene import Sampler, choose_parameters, design_of
from closerlook.adaptation.search import check_search
from closerlook.compute.progress import step
from closerlook.dataset import Dataset
from closerlook.dataset.fingerprint import fingerprint
from closerlook.dataset.images import iter_images
from closerlook.embedding import Embedder, open_embedding
from closerlook.embedding.key import embedding_key
from closerlook.errors import UsageError
from closerlook.storage.files import alone_in, atomic_path
from closerlook.synthesis.generation.settings import read_settings

__all__ = ["SCENE_NAME", "adapt"]

SCENE_NAME = "scene.yaml"
FORMAT = 2  # raise it when the same inputs would give other distances
IDENTITIES = 200  # of the design that is written
TARGET_IMAGES = 2048  # at most; their mean is then far more certain than that of a rendered set


def adapt(
    target: Dataset,
    *,
    out: str | Path,
    parameters: Sequence[str] | None = None,
    optimizer: str = "descent",
    renders: int = 260,
    identities: int = 32,
    views: int = 3,
    embedding: str | Embedder = "lite0",
    size: tuple[int, int] = (128, 64),
    backdrops: Sequence[str] | None = None,
    sensor: str = "cctv",
    seed: int = 0,
) -> Trace:
    """Tune the scene until what is rendered is as near to the target as it gets, beyond chance.

    Renders a small set of the same people under other values again and again, and measures each against the target's
    mean in the embedding. The same call after a stop resumes. Whether the values found are a gain is then asked of
    people that the search did not use; if not, the start is kept.

    Args:
        target: the target's unlabeled *training* images.
        out: folder for every measured set, ``trace.json``, ``trace.svg``, ``before-after.png`` and ``scene.yaml``,
            which :func:`closerlook.generate` takes.
        parameters: names of :data:`closerlook.adaptation.PARAMETERS`, or of a family of them such as ``sensor``; all if
            ``None``. Images differ from one another by a tenth of a parameter's range to either side of its value.
        optimizer: ``descent`` (one parameter after another) or ``cma`` (all together, CMA-ES).
        renders: at most so many sets.
        identities, views: how many people a set shows, and images of each.
        embedding, size: as :func:`closerlook.analyze` takes them.
        backdrops, sensor: as :func:`closerlook.generate` takes them.
        seed: of the people, the optimizer and the intervals.

    Raises:
        UsageError: an unknown parameter or optimizer, or a set that is too small.
        CloserlookError: ``out`` holds another search, or the target has too few images.

    Example:
        >>> found = cl.adapt(target.train, out="scene")  # doctest: +SKIP
        >>> again = cl.generate("scene/scene.yaml", identities=20, out="data")  # doctest: +SKIP
    """
    if identities < 2 or views < 1 or renders < 2:
        raise UsageError("At least 2 people, 1 view and 2 renders are needed.")
    check_search(optimizer)
    settings = read_settings(size, seed, "image", backdrops, sensor, None)
    chosen = choose_parameters(parameters, settings.backdrops)
    used, embedder = _every(target, TARGET_IMAGES), open_embedding(embedding, size)
    made_from = {
        "format": FORMAT,
        "target": fingerprint(used),
        "embedding": embedding_key(embedder),
        "rendering": {**asdict(settings), "sources": settings.sources(), "identities": identities, "views": views},
    }
    out = Path(out)
    with alone_in(out, "adapting in"):
        with step(f"Measuring {used.name}"):
            objective = Objective(used, embedder)
        sampler = Sampler(settings, identities, views)

        def measure(values: Mapping[str, float], held_out: bool) -> Distance:
            return objective.measure(*sampler(values, first=1 + identities * held_out))

        trace = search_scene(
            chosen, measure, optimizer=optimizer, renders=renders, seed=seed, out=out, made_from=made_from
        )
        with atomic_path(out / SCENE_NAME) as draft:
            scene = yaml.safe_dump(design_of(trace.values, IDENTITIES, settings.backdrops), sort_keys=False)
            draft.write_text(scene, encoding="utf-8")
        with step("Drawing the search"):
            shown = [sampler(trace.steps[number].values)[0] for number in (0, trace.best)]
            few = _every(used, COLUMNS)
            shown.append(np.concatenate(list(iter_images(few, settings.size))))
            save_trace(trace, shown, out)
    return trace


def _every(data: Dataset, limit: int) -> Dataset:
    """At most ``limit`` images, evenly spread over the table."""
    rows: NDArray[np.int64] = np.arange(min(len(data), limit)) * len(data) // min(len(data), limit)
    return data.take(rows)
