"""Validation on held-out people: which checkpoint to keep and when to stop, without a look at the target.

A model that was chosen by its score on the target's test images has seen the test, so those are refused. People of the
training data that training does not see, or people rendered elsewhere, tell as much about when to stop.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from closerlook.dataset import Dataset
from closerlook.dataset.images import image_array
from closerlook.errors import CloserlookError, UsageError
from closerlook.metrics.leave_one_out import mean_average_precision
from closerlook.metrics.protocol import Labels
from closerlook.randomness import keyed_rng
from closerlook.reid.sampling import spread_over

__all__ = ["Validation", "hold_out"]

IMAGES_PER_IDENTITY = 8
MAX_IDENTITIES = 200
BATCH = 64


def hold_out(data: Dataset, validation: Dataset | float, seed: int) -> tuple[Dataset, Dataset]:
    """What to train on and what to validate on.

    Args:
        data: images with identities.
        validation: other images, or the share of the identities of ``data`` that training is not to see.
        seed: decides which identities a share takes.

    Raises:
        UsageError: the share is not between 0 and 1, or leaves fewer than two identities on either side.
        CloserlookError: the images are a test split, or show people that are trained on.
    """
    if isinstance(validation, Dataset):
        _refuse_test_images(validation)
        _refuse_shared_people(data, validation)
        return data, validation
    people = np.unique(data.identities)
    count = round(validation * len(people))
    if not 0 < validation < 1 or min(count, len(people) - count) < 2:
        raise UsageError(
            f"A share of {validation} of {len(people)} identities leaves too few to train or to validate on: "
            "it must leave at least two on either side."
        )
    held_out = keyed_rng(seed, "validation").permutation(people)[:count].tolist()
    kept = data.filter(~pl.col("identity").is_in(held_out))
    return kept, replace(data.filter(pl.col("identity").is_in(held_out)), name=f"{data.name}/validation")


def _refuse_test_images(data: Dataset) -> None:
    tests = sorted(set(data.table["split"].unique().to_list()) - {"train"})
    if tests:
        raise CloserlookError(
            f"{data.name} holds {' and '.join(tests)} images: a model that is chosen on them has seen the test. "
            "Validate on rendered people, or on a share of the people trained on (0.1)."
        )


def _refuse_shared_people(data: Dataset, validation: Dataset) -> None:
    if data.root.resolve() == validation.root.resolve():
        shared = len(np.intersect1d(data.identities, validation.identities))
    else:  # of several sources one may be what is validated on, whose people have other numbers there
        trained = {os.path.abspath(file) for file in data.files}  # noqa: PTH100 - no disk is asked
        same = [os.path.abspath(file) in trained for file in validation.files]  # noqa: PTH100
        shared = len(np.unique(validation.identities[same]))
    if shared:
        raise CloserlookError(
            f"{shared} identities of {validation.name} are trained on: validate on other people, or give the "
            "share of the identities to hold out (0.1)."
        )


@dataclass(frozen=True)
class Validation:
    """Images of held-out people; each is the query once, and all others are the gallery.

    Attributes:
        images: (n, h, w, 3); at most eight images of at most 200 identities, from as many cameras as there are.
        identities: (n,).
        cameras: (n,); -1 where unknown.
    """

    images: NDArray[np.uint8] = field(repr=False)
    identities: NDArray[np.int64] = field(repr=False)
    cameras: NDArray[np.int64] = field(repr=False)

    @classmethod
    def from_dataset(cls, data: Dataset, size: tuple[int, int], seed: int) -> Validation:
        """The images that validation looks at, decoded."""
        data = data.people
        identities = data.identities
        people = keyed_rng(seed, "validated people").permutation(np.unique(identities))[:MAX_IDENTITIES]
        rows = np.sort(np.concatenate([_some(data, identities, person, seed) for person in people.tolist()]))
        kept = data.take(rows)
        return cls(image_array(kept, size), kept.identities, kept.cameras)

    def score(self, embed: Callable[[torch.Tensor], torch.Tensor]) -> float:
        """mAP (step) of the features that ``embed`` makes of (b, h, w, 3) uint8, by cosine.

        A query's own camera is left out of its gallery, as in evaluation, unless that leaves no match.
        """
        starts = range(0, len(self.images), BATCH)
        batches = (torch.from_numpy(self.images[start : start + BATCH].copy()) for start in starts)
        features = np.concatenate([embed(batch).float().numpy(force=True) for batch in batches])
        score = mean_average_precision(features, self.identities, self.cameras, _own_camera)
        return 0.0 if math.isnan(score) else score


def _own_camera(query: Labels, gallery: Labels) -> NDArray[np.bool_]:
    """(q, g): the images of a query's identity from its own camera, where another camera has some of it too."""
    positive = query.identities[:, None] == gallery.identities
    own = positive & (query.cameras[:, None] == gallery.cameras)
    return np.asarray(own & (positive & ~own).any(axis=1, keepdims=True))


def _some(data: Dataset, identities: NDArray[np.int64], person: int, seed: int) -> NDArray[np.int64]:
    rows = keyed_rng(seed, "validated images", person).permutation(np.flatnonzero(identities == person))
    return rows[spread_over(data.cameras[rows])][:IMAGES_PER_IDENTITY]
