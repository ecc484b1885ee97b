"""Whether a pedestrian detector takes rendered people for people, in which weather and at which hour not.

    python bench/detection.py --detector judge:detect --real market1501:/data/Market-1501-v15.09.15

``--detector module:function`` takes an RGB frame, (384, 672, 3) uint8, and returns rows (score, left, top, right,
bottom) in pixels; it must never have seen our renderer. Twelve crops stand in a frame of their mean color, each 180 x
90: render at the height of the real images, for what is enlarged to that is found less often than what is reduced. One
is found where a box with a score above one half overlaps it by a fifth (intersection over union: crops are framed
loosely). Each person is seen once in each of the 49 lights, from a viewpoint drawn anew; images that hide a twentieth
of the person or more are left out. The real set's training crops are read in the same way, without labels but for the
intervals, which are over people.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

import closerlook as cl
from closerlook.dataset.decoding import read_image
from closerlook.embedding.functions import load_function
from closerlook.randomness import keyed_rng

FRAME = (384, 672)
CROP = (180, 90)
CORNERS = [(12 + 188 * row, 20 + 108 * column) for row in range(2) for column in range(6)]
HIDDEN = 0.05
OVERLAP = 0.2
DRAWS = 1000  # of the bootstrap

Float = NDArray[np.floating]
Detector = Callable[[NDArray[np.uint8]], Float]


@dataclass(frozen=True)
class OneViewpoint:
    """A plan that keeps, of each person in each light, the image from one viewpoint."""

    seed: int

    def rows(self, table: pl.DataFrame) -> NDArray[np.int64]:
        key = pl.Series(keyed_rng(self.seed, "viewpoint").random(len(table)))
        lights = table.select("identity", "weather", "illumination").with_columns(key=key).with_row_index()
        kept = lights.sort("key").unique(["identity", "weather", "illumination"], keep="first", maintain_order=True)
        return np.sort(kept["index"].to_numpy().astype(np.int64))


def found(crops: list[NDArray[np.uint8]], detect: Detector) -> NDArray[np.bool_]:
    """Which of up to 12 crops the detector finds in one frame."""
    height, width = CROP
    resized = [np.asarray(Image.fromarray(crop).resize((width, height), Image.Resampling.BILINEAR)) for crop in crops]
    frame = np.empty((*FRAME, 3), np.uint8)
    frame[:] = np.mean(resized, axis=(0, 1, 2))
    for crop, (top, left) in zip(resized, CORNERS, strict=False):
        frame[top : top + height, left : left + width] = crop
    boxes = detect(frame)
    boxes = boxes[boxes[:, 0] > 0.5, 1:]
    corner = np.array(CORNERS[: len(crops)])[:, None, ::-1]
    shared = np.minimum(boxes[:, 2:], corner + np.array([width, height])) - np.maximum(boxes[:, :2], corner)
    both = np.maximum(shared, 0).prod(2)
    either = (boxes[:, 2:] - boxes[:, :2]).prod(1) + height * width - both
    return np.asarray((both / either >= OVERLAP).any(1))


def share(hits: NDArray[np.bool_], who: NDArray[np.int64]) -> str:
    """The share found, with its 95 % interval over people."""
    _, person = np.unique(who, return_inverse=True)
    count, sums = np.bincount(person), np.bincount(person, hits)
    drawn = keyed_rng(0, "bootstrap").integers(len(count), size=(DRAWS, len(count)))
    low, high = np.percentile(sums[drawn].sum(1) / count[drawn].sum(1), (2.5, 97.5))
    return f"{100 * hits.mean():5.1f} % ({100 * low:.1f} to {100 * high:.1f}) of {len(hits):,}"


def read(data: cl.Dataset, detect: Detector) -> NDArray[np.bool_]:
    """(n,) which images of a data set are found."""
    starts = range(0, len(data), len(CORNERS))
    return np.concatenate(
        [found([read_image(path) for path in data.paths[start : start + len(CORNERS)]], detect) for start in starts]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", required=True, help="module:function")
    parser.add_argument("--real", help="such as market1501:/data/Market-1501-v15.09.15; its training images are read")
    parser.add_argument("--identities", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--height", type=int, default=128, help="of the rendered images, twice their width")
    parser.add_argument("--out", type=Path, default=Path("build/detection"), help="where the people are rendered to")
    given = parser.parse_args()
    detect = load_function(given.detector, "detector")
    size = (given.height, given.height // 2)
    ours = cl.generate(
        out=given.out, identities=given.identities, seed=given.seed, size=size, scene_per="view", plan=OneViewpoint(0)
    )
    ours = ours.filter(pl.col("occlusion") < HIDDEN)
    if given.real:
        real = cl.open_dataset(given.real).train
        real = real.take(np.sort(keyed_rng(0, "real").choice(len(real), min(len(real), len(ours)), replace=False)))
        print(f"real: {share(read(real, detect), real.identities)}")
    hits = read(ours, detect)
    print(f"rendered: {share(hits, ours.identities)}")
    for name in ("weather", "illumination"):
        values = ours.table[name].to_numpy()
        for value in dict.fromkeys(ours.factor(name).levels):
            print(f"  {value:10} {share(hits[values == value], ours.identities[values == value])}")


if __name__ == "__main__":
    main()
