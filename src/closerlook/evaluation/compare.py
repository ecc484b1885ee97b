"""Are these two pictures of the same person? The question every newcomer asks, answered with what a distance means."""

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
from closerlook.errors import CloserlookError
from closerlook.evaluation.attention import attention
from closerlook.evaluation.pictures import blend
from closerlook.evaluation.run import load_model
from closerlook.metrics.protocol import Labels, Protocol
from closerlook.metrics.ranking import positives
from closerlook.randomness import keyed_rng
from closerlook.sheets import sheet_of
from closerlook.storage.files import atomic_path

__all__ = ["Comparison", "PairScale", "compare", "pair_scale"]

SCALE_IMAGES = 2000  # images of the reference that a scale is made from: about two million pairs of different people
GAP = 12


@dataclass(frozen=True)
class PairScale:
    """Cosine similarities of pairs from known data, across cameras where these are known.

    Attributes:
        name: of the data.
        same: of pairs of one person, ascending.
        different: of pairs of two people, ascending.
    """

    name: str
    same: NDArray[np.float64] = field(repr=False)
    different: NDArray[np.float64] = field(repr=False)

    def describe(self, similarity: float) -> str:
        """What a similarity means on this scale, in a sentence."""
        of_same = np.searchsorted(self.same, similarity, side="right") / len(self.same)
        of_different = np.searchsorted(self.different, similarity, side="right") / len(self.different)
        verdict = "more like pairs of one person" if of_same > 1 - of_different else "more like pairs of two people"
        return (
            f"In {self.name} this is nearer than {100 * of_different:.1f} % of the pairs of different people and than "
            f"{100 * of_same:.1f} % of the pairs of one person: {verdict}."
        )


@dataclass(frozen=True)
class Comparison:
    """Two images as a model sees them.

    Attributes:
        names: of the files.
        model: its name.
        cosine: similarity, 1 for equal features.
        euclidean: distance of the features as the model gives them.
        scale: what such similarities mean, where reference data was given.
        images: the two (h, w, 3) uint8, at the model's size.
        maps: which pixels speak for (+) and against (-) the match, (h, w) each.
    """

    names: tuple[str, str]
    model: str
    cosine: float
    euclidean: float
    scale: PairScale | None
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]] = field(repr=False)
    maps: tuple[NDArray[np.float64], NDArray[np.float64]] = field(repr=False)

    def __str__(self) -> str:
        first = (
            f"{self.names[0]} and {self.names[1]}: cosine similarity {self.cosine:.3f}, Euclidean distance "
            f"{self.euclidean:.3f} ({self.model})."
        )
        if self.scale is None:
            return f"{first} How near is near depends on the model: compare with pairs from data of known people."
        return f"{first} {self.scale.describe(self.cosine)}"

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
    reference: Dataset | PairScale | None = None,
) -> Comparison:
    """Compare two images of people.

    Args:
        first: an image file.
        second: another.
        model: a trained model's folder, the name of an untrained backbone, any embedder or function, as
            :func:`closerlook.evaluate` takes them.
        reference: data of known people to say what the similarity means, or a scale made from it before.

    Raises:
        CloserlookError: an image cannot be read, or the reference has no two images of one person.

    Example:
        >>> from closerlook.evaluation import compare
        >>> round(compare(data.paths[0], data.paths[0], model=model).cosine, 3)
        1.0
    """
    embedder = load_model(model) if isinstance(model, str | Path) else as_embedder(model)
    left, right = (resize(read_image(path), embedder.size) for path in (first, second))
    features = embedder(torch.from_numpy(np.stack([left, right]))).double()
    scale = pair_scale(embedder, reference) if isinstance(reference, Dataset) else reference
    with step("Finding what speaks for it"):
        maps = (attention(embedder, left, right), attention(embedder, right, left))
    return Comparison(
        names=(Path(first).name, Path(second).name),
        model=embedder.name,
        cosine=float(torch.cosine_similarity(features[0], features[1], dim=0)),
        euclidean=float(torch.linalg.vector_norm(features[0] - features[1])),
        scale=scale,
        images=(left, right),
        maps=maps,
    )


def pair_scale(embedder: Embedder, data: Dataset, *, seed: int = 0) -> PairScale:
    """The similarities of all pairs among up to 2,000 images of ``data``, whole people drawn at random.

    Pairs of one person count only across cameras, if the cameras are known.

    Example:
        >>> from closerlook.evaluation import compare, pair_scale
        >>> scale = pair_scale(model, data)
        >>> compare(data.paths[0], data.paths[-1], model=model, reference=scale).scale is scale
        True
    """
    people = data.people
    known, who = np.unique(people.identities, return_inverse=True)
    place = keyed_rng(seed, "pair-scale").permutation(len(known))
    chosen = people.take(np.sort(np.argsort(place[who], kind="stable")[:SCALE_IMAGES]))
    vectors = torch.nn.functional.normalize(torch.from_numpy(extract(embedder, chosen).features))
    similarity = (vectors @ vectors.T).numpy(force=True).astype(np.float64)
    labels = Labels(chosen.identities, chosen.cameras)
    one, two = positives(labels, labels, Protocol())
    apart = (labels.cameras[one] != labels.cameras[two]) | (labels.cameras[one] == -1)
    once = apart & (one < two)
    different = np.triu(np.ones_like(similarity, bool), 1)
    different[one, two] = False
    if not once.any() or not different.any():
        raise CloserlookError(
            f"{data.name} has no two images of one person by different cameras, or only one person: it cannot say what "
            "a similarity means."
        )
    return PairScale(data.name, np.sort(similarity[one[once], two[once]]), np.sort(similarity[different]))
