"""Whether a stranger could tell rendered people apart, as well as real ones: two views of each, and the nearest other.

    python bench/distinctness.py --real market1501:/data/Market-1501-v15.09.15 --embedding lite0-pooled

``--embedding`` is any that closerlook knows, or ``module:function`` for a network of yours, such as one trained for
re-identification; it must never have seen our renderer. Real labels serve this reading only. Both sets are read in the
same way: as many people, two images of each from different cameras, at one size. Market-1501 was taken before one
shop, in hours of one season's days; ours is therefore read in one kind of place and one dry weather, each image with
a pose, a camera, a side, a spot and a time of day of its own. ``--anywhere`` takes all places and dry weathers, which
is harder for the person and easier for the stranger than what the real set asks. Of what varies from image to image
only what the two views of a person share is counted: the covariance between views, over people.

Real images have no masks. Silhouettes of both sets are therefore those that a linear map from Lite0's inner features
gives, fitted to the masks of rendered people; what it is worth on rendered people that it has not seen is printed.
"""

from __future__ import annotations

import argparse
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

import closerlook as cl
from closerlook.dataset.decoding import read_image
from closerlook.embedding import extract, open_embedding
from closerlook.embedding.backbones import pretrained
from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.annotations import mask
from closerlook.synthesis.generation.sampling import height_of, sample_places, sample_view
from closerlook.synthesis.generation.settings import read_settings
from closerlook.synthesis.humans import load_person, pose_person, sample_pose
from closerlook.synthesis.rendering.renderer import ImageRequest, Renderer

Float = NDArray[np.floating]
SIZE = (128, 64)
GRID = (32, 16)
HOURS = ["forenoon", "noon", "afternoon"]
DAY = {"weather": ["sunny", "clouds", "overcast", "neutral"], "illumination": HOURS}
ONE_DAY = {"weather": ["clouds"], "illumination": HOURS}
ONE_PLACE = ["paving"]
DRAWS = 1000  # of the bootstrap
FITTED = 300  # people with masks
RIDGE = 100.0


@dataclass(frozen=True)
class TwoViews:
    """A plan that keeps two images of each person, from two cameras."""

    seed: int

    def rows(self, table: pl.DataFrame) -> NDArray[np.int64]:
        who, camera = table["identity"].to_numpy(), table["camera"].to_numpy()
        order = np.argsort(who, kind="stable")
        kept: list[int] = []
        for at in np.split(order, np.flatnonzero(np.diff(who[order])) + 1):
            rng = keyed_rng(self.seed, "views", int(who[at[0]]))
            first = int(rng.choice(at))
            others = at[camera[at] != camera[first]]
            if len(others):
                kept += [first, int(rng.choice(others))]
        return np.sort(np.array(kept, np.int64))


def pairs(data: cl.Dataset) -> NDArray[np.int64]:
    """(n, 2) rows of each person's two images."""
    order = np.argsort(data.identities, kind="stable")
    return order.reshape(-1, 2)


def rendered(
    out: Path, people: int, seed: int, wardrobe: Path | None, population: Path | None, *, anywhere: bool
) -> cl.Dataset:
    """People in the day, each image with a pose, camera and spot of its own."""
    return cl.generate(
        out=out,
        identities=people,
        seed=seed,
        levels=DAY if anywhere else ONE_DAY,
        backdrops=None if anywhere else ONE_PLACE,
        scene_per="image",
        wardrobe=wardrobe,
        population=population,
        plan=TwoViews(seed),
    )


@dataclass(frozen=True)
class AttributeImportance:
    """Of each image: how far its person's other view is, and the nearest stranger among all other views."""

    own: Float
    stranger: Float

    @property
    def mistaken(self) -> Float:
        """(n,) share of a person's two images that a stranger is nearer to than the person's own other view."""
        return np.asarray((self.stranger < self.own).reshape(2, -1).mean(0))

    def __str__(self) -> str:
        rng = keyed_rng(0, "bootstrap")
        share = self.mistaken
        draws = [share[rng.integers(len(share), size=len(share))].mean() for _ in range(DRAWS)]
        low, high = np.percentile(draws, (2.5, 97.5))
        ratio = np.percentile(self.stranger / self.own, (5, 25, 50, 75, 95))
        return (
            f"a stranger is nearer than the own other view for {100 * share.mean():.1f} % ({100 * low:.1f} to "
            f"{100 * high:.1f}); nearest stranger / own other view: "
            + " ".join(f"{value:.2f}" for value in ratio)
            + f"; own {np.median(self.own):.3f}, stranger {np.median(self.stranger):.3f}"
        )


def confusion(first: Float, second: Float) -> AttributeImportance:
    """Distances of unit vectors, from every first view to all second ones, and back."""
    a, b = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (first, second))
    distance = np.sqrt(np.maximum(2 - 2 * a @ b.T, 0))
    own = np.diag(distance).copy()
    np.fill_diagonal(distance, np.inf)
    return AttributeImportance(np.concatenate([own, own]), np.concatenate([distance.min(1), distance.min(0)]))


def lab(rgb: Float) -> Float:
    """sRGB, 0 to 1, to CIE L*a*b* under D65."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ matrix.T / matrix.sum(1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def inner(images: NDArray[np.uint8]) -> Float:
    """(n, 32, 16, d) features of Lite0 at strides 8 to 32 of images enlarged twice, and the place in the frame."""
    network = pretrained("lite0").requires_grad_(False)
    down, across = np.meshgrid(np.linspace(-1, 1, GRID[0]), np.linspace(-1, 1, GRID[1]), indexing="ij")
    place = np.stack([down, across, down**2, across**2, down * across, np.ones(GRID)], axis=-1)
    found = []
    for start in range(0, len(images), 32):
        batch = torch.from_numpy(images[start : start + 32]).permute(0, 3, 1, 2).float()
        batch = functional.interpolate(batch, scale_factor=2, mode="bilinear").round().clamp(0, 255).to(torch.uint8)
        maps = network.activations(network.normalize(batch.permute(0, 2, 3, 1)), ("block2", "block4", "block10"))
        resized = torch.cat([functional.interpolate(a, GRID, mode="bilinear") for a in maps.values()], dim=1)
        rows = resized.permute(0, 2, 3, 1).numpy()
        found.append(np.concatenate([rows, np.broadcast_to(place, (*rows.shape[:3], place.shape[-1]))], axis=-1))
    return np.concatenate(found)


def with_masks(people: range, seed: int) -> tuple[NDArray[np.uint8], Float]:
    """Two images per person and the share of each cell of the grid that they cover, (n, 32, 16)."""
    settings = read_settings(SIZE, seed, "image", None, "cctv", None)
    renderer = Renderer(SIZE)
    images, covers = [], []
    for identity in people:
        person = load_person(seed, identity)
        renderer.set_person(person)
        for k in range(2):
            rng = keyed_rng(seed, "silhouette", identity, k)
            viewpoint = int(rng.choice(range(0, 360, 30)))
            weather, light = (str(rng.choice(DAY[name])) for name in ("weather", "illumination"))
            scene = ("image", identity, viewpoint, weather, light)
            posed = pose_person(person, sample_pose(rng))
            where = sample_places(seed, {scene: str(rng.choice(settings.backdrops))})
            view = sample_view(settings, scene, viewpoint, where[scene], height_of(person))
            images.append(renderer.render_view(posed, view, [ImageRequest.from_names(weather, light, identity)])[0])
            covers.append(mask(renderer.gbuffer()).reshape(GRID[0], 4, GRID[1], 4).mean((1, 3)))
    return np.array(images), np.array(covers)


@functools.cache
def silhouette_map(seed: int) -> Float:
    """(d,) weights of the inner features; prints how well they do on people that they were not fitted to."""
    images, covers = with_masks(range(10_001, 10_001 + FITTED), seed)
    features = inner(images)
    half = len(images) * 2 // 3
    seen = features[:half].reshape(-1, features.shape[-1]).astype(np.float64)
    weights = np.linalg.solve(seen.T @ seen + RIDGE * np.eye(seen.shape[1]), seen.T @ covers[:half].ravel())
    guess, true = np.clip(features[half:] @ weights, 0, 1), covers[half:]
    both = ((guess > 0.5) & (true > 0.5)).sum((1, 2)) / ((guess > 0.5) | (true > 0.5)).sum((1, 2))
    agree = np.mean([np.corrcoef(*rows)[0, 1] for rows in zip(guess.mean(2).T, true.mean(2).T, strict=True)])
    print(f"silhouettes of people not fitted to: overlap {both.mean():.2f}, correlation of a row's width {agree:.2f}")
    return np.asarray(weights)


def widths(images: NDArray[np.uint8], seed: int) -> Float:
    """(n, 32) the person's width at each height of the frame, in % of the frame."""
    return np.asarray(100 * np.clip(inner(images) @ silhouette_map(seed), 0, 1).mean(2))


def torso_and_legs(image: Float) -> Float:
    """(6,) mean L*a*b* of a box within the torso and of one within the legs, the same boxes in every image."""
    height, width = image.shape[:2]

    def box(top: float, bottom: float, side: float) -> Float:
        part = image[int(top * height) : int(bottom * height), int(side * width) : width - int(side * width)]
        return np.asarray(lab(part).mean((0, 1)))

    return np.concatenate([box(0.22, 0.42, 0.34), box(0.56, 0.78, 0.36)])


def shared(values: Float) -> tuple[float, float, float]:
    """Of (n, 2, d) values, two views each: the trace of what the views of a person share, with its 95 % interval."""
    rng = keyed_rng(0, "shared")
    centerd = values - values.mean(0)
    each = (centerd[:, 0] * centerd[:, 1]).sum(1)
    draws = [each[rng.integers(len(each), size=len(each))].mean() for _ in range(DRAWS)]
    low, high = np.percentile(draws, (2.5, 97.5))
    return float(each.mean()), float(low), float(high)


def describe(name: str, data: cl.Dataset, embedding: str, people: int, seed: int) -> None:
    """Print one set's reading for ``people`` of its people."""
    data = data.take(pairs(data)[:people].ravel())
    size = (256, 128) if ":" in embedding else SIZE
    features = extract(open_embedding(embedding, size), data).features
    at = pairs(data)
    print(f"{name}, {len(at)} people")
    reading = confusion(features[at[:, 0]], features[at[:, 1]])
    print(f"  {reading}")
    if "viewpoint" in data.table.columns:
        turned = np.abs((data.table["viewpoint"].to_numpy()[at] @ [1, -1] + 180) % 360 - 180)
        for low, high in ((0, 60), (60, 120), (120, 181)):
            these = (turned >= low) & (turned < high)
            share = 100 * reading.mistaken[these].mean()
            print(f"  views {low} to {min(high, 180)} degrees apart: {share:.1f} % of {these.sum()}")
    images = np.array(
        [Image.fromarray(read_image(path)).resize(SIZE[::-1], Image.Resampling.BILINEAR) for path in data.paths]
    )
    colors = np.array([torso_and_legs(image / 255) for image in images])[at]
    shapes = widths(images, seed)[at]
    for what, values in (
        ("torso L*", colors[..., :1]), ("torso a*b*", colors[..., 1:3]),
        ("legs L*", colors[..., 3:4]), ("legs a*b*", colors[..., 4:]),
        ("row widths", shapes), ("mean width", shapes.mean(2, keepdims=True)),
    ):  # fmt: skip
        value, low, high = shared(values)
        print(f"  variance that views share, {what:10} {value:7.1f} ({low:.1f} to {high:.1f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/distinctness"), help="where the people are rendered to")
    parser.add_argument("--wardrobe", type=Path, help="as for closerlook generate")
    parser.add_argument("--population", type=Path, help="as for closerlook generate")
    parser.add_argument("--anywhere", action="store_true", help="all places and dry weathers, not one as the real set")
    parser.add_argument("--real", help="such as market1501:/data/Market-1501-v15.09.15; its training images are read")
    parser.add_argument("--embedding", default="lite0-pooled")
    given = parser.parse_args()
    ours = rendered(given.out, given.identities, given.seed, given.wardrobe, given.population, anywhere=given.anywhere)
    people = len(pairs(ours))
    if given.real:
        real = cl.open_dataset(given.real).train
        real = real.subset(TwoViews(given.seed))
        people = min(people, len(pairs(real)))
        describe("real", real, given.embedding, people, given.seed)
    describe("rendered", ours, given.embedding, people, given.seed)
    if people < given.identities:
        describe("rendered, all", ours, given.embedding, given.identities, given.seed)


if __name__ == "__main__":
    main()
