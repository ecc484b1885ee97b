"""Are these two pictures of the same person? The question every newcomer asks, answered with how often it is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from closerlook.compute.progress import step
from closerlook.dataset import Dataset
from closerlook.dataset.decoding import read_image
from closerlook.dataset.images import resize
from closerlook.embedding import Embedder, EmbeddingFunction, as_embedder, extract
from closerlook.evaluation.attention import attention
from closerlook.evaluation.pictures import blend
from closerlook.evaluation.run import load_model
from closerlook.inputs import OPERATING_POINT_FILE
from closerlook.metrics.pairs import OperatingPoint, Pairs, pairs_of
from closerlook.metrics.protocol import Labels
from closerlook.randomness import keyed_rng
from closerlook.sheets import sheet_of
from closerlook.storage.files import atomic_path

__all__ = ["FALSE_MATCH_RATE", "Comparison", "compare", "pair_scale"]

SCALE_IMAGES = 2000  # images of the reference that a scale is made from: about two million pairs of different people
FALSE_MATCH_RATE = 0.001
GAP = 12


@dataclass(frozen=True)
class Comparison:
    """Two images as a model sees them.

    Attributes:
        names: of the files.
        model: its name.
        cosine: similarity, 1 for equal features.
        euclidean: distance of the features as the model gives them.
        point: from which similarity on it is the same person, where that is known.
        pairs: what such similarities mean, where reference data was given.
        images: the two (h, w, 3) uint8, at the model's size.
        maps: which pixels speak for (+) and against (-) the match, (h, w) each.
    """

    names: tuple[str, str]
    model: str
    cosine: float
    euclidean: float
    point: OperatingPoint | None
    pairs: Pairs | None
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]] = field(repr=False)
    maps: tuple[NDArray[np.float64], NDArray[np.float64]] = field(repr=False)

    def __str__(self) -> str:
        first = (
            f"{self.names[0]} and {self.names[1]}: cosine similarity {self.cosine:.3f}, Euclidean distance "
            f"{self.euclidean:.3f} ({self.model})."
        )
        if self.point is None:
            return f"{first} How near is near depends on the model: compare with pairs from data of known people."
        verdict = "The same person" if self.point.is_match(self.cosine) else "Two different people"
        meaning = "" if self.pairs is None else f" {self.pairs.describe(self.cosine)}"
        return f"{first} {verdict}, by {self.point}.{meaning}"

    def draw(self, height: int = 256) -> Image.Image:
        """Both images, each beside itself under its attention map (orange speaks for the match, blue against)."""
        pairs = zip(self.images, self.maps, strict=True)
        width = round(height * self.images[0].shape[1] / self.images[0].shape[0])
        shown = [resize(part, (height, width)) for image, heat in pairs for part in (image, blend(image, heat))]
        return sheet_of(shown, 4, gap=GAP, margin=(GAP, GAP, GAP, GAP))

    def save(self, path: str | Path) -> None:
        """Write :meth:`draw` as a PNG or JPEG file."""
        with atomic_path(path) as draft:
            self.draw().save(draft, quality=92)


def compare(
    first: str | Path,
    second: str | Path,
    *,
    model: str | Path | Embedder | EmbeddingFunction = "lite0",
    reference: Dataset | Pairs | OperatingPoint | None = None,
    false_match_rate: float = FALSE_MATCH_RATE,
) -> Comparison:
    """Compare two images of people: the same person, or not?

    Args:
        first: an image file.
        second: another.
        model: a trained model's folder, the name of an untrained backbone, any embedder or function, as
            :func:`closerlook.evaluate` takes them.
        reference: data of known people to choose a threshold on, or pairs of such data, or an operating point made
            before. If ``None``, the one that ``closerlook evaluate --false-match-rate`` left in the model's folder.
        false_match_rate: of pairs of different people, the share that may be held to be one person.

    Raises:
        CloserlookError: an image cannot be read, or the reference has no two images of one person.
        UsageError: the reference has too few pairs for that rate.

    Example:
        >>> from closerlook.evaluation import compare
        >>> round(compare(data.paths[0], data.paths[0], model=model).cosine, 3)
        1.0
    """
    embedder = load_model(model) if isinstance(model, str | Path) else as_embedder(model)
    left, right = (resize(read_image(path), embedder.size) for path in (first, second))
    pairs = pair_scale(embedder, reference) if isinstance(reference, Dataset) else reference
    point = pairs.operating_point(false_match_rate) if isinstance(pairs, Pairs) else pairs
    if point is None and isinstance(model, str | Path) and (Path(model) / OPERATING_POINT_FILE).is_file():
        point = OperatingPoint.load(Path(model) / OPERATING_POINT_FILE)
    features = embedder(torch.from_numpy(np.stack([left, right]))).double()
    with step("Finding what speaks for it"):
        maps = (attention(embedder, left, right), attention(embedder, right, left))
    return Comparison(
        names=(Path(first).name, Path(second).name),
        model=embedder.name,
        cosine=float(torch.cosine_similarity(features[0], features[1], dim=0)),
        euclidean=float(torch.linalg.vector_norm(features[0] - features[1])),
        point=point,
        pairs=pairs if isinstance(pairs, Pairs) else None,
        images=(left, right),
        maps=maps,
    )


def pair_scale(embedder: Embedder, data: Dataset, *, seed: int = 0) -> Pairs:
    """The similarities of all pairs among up to 2,000 images of ``data``, whole people drawn at random.

    Pairs of one person count only across cameras, if the cameras are known.

    Example:
        >>> from closerlook.evaluation import compare, pair_scale
        >>> pairs = pair_scale(model, data)
        >>> compare(data.paths[0], data.paths[-1], model=model, reference=pairs, false_match_rate=0.1).pairs is pairs
        True
    """
    people = data.people
    known, who = np.unique(people.identities, return_inverse=True)
    place = keyed_rng(seed, "pair-scale").permutation(len(known))
    chosen = people.take(np.sort(np.argsort(place[who], kind="stable")[:SCALE_IMAGES]))
    vectors = torch.nn.functional.normalize(torch.from_numpy(extract(embedder, chosen).features))
    similarity = (vectors @ vectors.T).numpy(force=True).astype(np.float64)
    labels = Labels(chosen.identities, chosen.cameras)
    return pairs_of(similarity, labels, labels, data.name, among=True)
