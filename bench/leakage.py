"""How well a person is found again by the place alone: the strips at an image's sides, where hardly anybody is.

    python bench/leakage.py [--identities 100] [--embedding lite0-pooled] [--out build/leakage]

The same people are rendered with a pose, camera and place of their own for each person (``--scene-per person``), each
of their viewpoints (``view``) and each image (``image``). Of every image the left and the right eighth are kept, ranked
by Market-1501's protocol, which hides a query's own camera, here its viewpoint: one query for each person and
viewpoint, all images in the gallery. What is found then is found in other viewpoints, and by no more of the person than
an elbow that reaches into a strip: the same in all three modes. ``noise`` ranks random vectors in place of the strips.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

import closerlook as cl
from closerlook.embedding import Embedder, Features, extract, open_embedding
from closerlook.evaluation import rank
from closerlook.randomness import keyed_rng
from closerlook.synthesis.generation.settings import SCENE_PER

SIZE = (128, 64)
STRIP = SIZE[1] // 8  # pixels at either side
LEVELS = {"viewpoint": range(0, 360, 60), "weather": ["sunny", "clouds"], "illumination": ["noon", "dusk"]}


class Strips(Embedder):
    """An embedder that is shown the sides of an image only, one beside the other."""

    def __init__(self, source: str) -> None:
        self._inner: Embedder = open_embedding(source, (SIZE[0], 2 * STRIP))
        self.name, self.size, self.dim = f"{source} of side strips", SIZE, self._inner.dim
        self.device = self._inner.device

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(b, h, w, 3) uint8 RGB -> (b, dim) float32."""
        return self._inner(torch.cat([images[:, :, :STRIP], images[:, :, -STRIP:]], dim=2).contiguous())


def found(gallery: Features) -> tuple[float, float]:
    """mAP and rank-1, of one query for each person and camera, by cosine."""
    pairs = np.stack([gallery.identities, gallery.cameras], axis=1)
    shuffled = keyed_rng(0, "leakage").permutation(len(gallery))
    chosen = np.sort(shuffled[np.unique(pairs[shuffled], axis=0, return_index=True)[1]])
    query = Features(gallery.features[chosen], gallery.identities[chosen], gallery.cameras[chosen])
    result = rank(query, gallery, matching="cosine")
    return result.mAP, float(result.cmc[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--identities", type=int, default=100)
    parser.add_argument("--embedding", default="lite0-pooled", help="any that closerlook knows, or module:function")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/leakage"), help="where the people are rendered to")
    given = parser.parse_args()
    embedder = Strips(given.embedding)
    rows = {}
    for scene_per in SCENE_PER:
        data = cl.generate(
            out=given.out / scene_per,
            identities=given.identities,
            levels=LEVELS,
            size=SIZE,
            seed=given.seed,
            scene_per=scene_per,
        )
        features = extract(embedder, data)
        rows[scene_per] = found(features)
    noise = keyed_rng(0, "noise").standard_normal(features.features.shape).astype(np.float32)
    rows["noise"] = found(Features(noise, features.identities, features.cameras))
    print(f"{given.identities} people, {len(features):,} images each; {embedder.name}")
    print(f"{'scene':>6} {'mAP':>6} {'rank-1':>7}")
    for name, (precision, first) in rows.items():
        print(f"{name:>6} {precision:>6.3f} {first:>7.3f}")


if __name__ == "__main__":
    main()
