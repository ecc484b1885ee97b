"""How near rendered images are to real ones in plain numbers: brightness, contrast, backdrop, sharpness, color.

    python bench/likeness.py DATA TARGET [--images 1500]

DATA and TARGET are named as on the command line: a rendered folder, market1501:/data/... Of the target only training
images are read, without labels. Images are resized to 128 x 64; the backdrop is the outer sixth of either side.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from closerlook.dataset import Dataset, open_dataset
from closerlook.dataset.images import iter_images

COLUMNS = ("brightness", "contrast", "backdrop sd", "sharpness", "saturation", "darkest 5 %", "brightest 5 %")


def measure(data: Dataset, images: int) -> NDArray[np.float64]:
    """(n, 7) COLUMNS of so many images, drawn at random."""
    chosen = np.random.default_rng(0).permutation(len(data))[:images]
    rows = []
    for batch in iter_images(data.take(np.sort(chosen)), (128, 64)):
        for image in np.asarray(batch, dtype=np.float64):
            gray = image @ [0.299, 0.587, 0.114]
            edge = gray.shape[1] // 6
            sides = np.concatenate([gray[:, :edge], gray[:, -edge:]], axis=1)
            around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
            sharp = np.abs(4 * gray[1:-1, 1:-1] - around).mean()
            color = (image.max(-1) - image.min(-1)).mean()
            rows.append((gray.mean(), gray.std(), sides.std(), sharp, color, *np.percentile(gray, [5, 95])))
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("target")
    parser.add_argument("--images", type=int, default=1500)
    options = parser.parse_args()
    print(" " * 22, *(f"{name:>13}" for name in COLUMNS))
    for name in (options.data, options.target):
        source = open_dataset(name)
        values = measure(source.train if name == options.target else source, options.images)
        for what, row in (("mean over images", values.mean(0)), ("spread of images", values.std(0))):
            print(f"{source.name[:12]:<12}{what:>17}"[:29], *(f"{value:>13.1f}" for value in row))


if __name__ == "__main__":
    main()
