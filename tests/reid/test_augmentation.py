from __future__ import annotations

import numpy as np
import pytest
import torch

from closerlook.embedding.backbones.base import IMAGENET_MEAN
from closerlook.reid import Recipe
from closerlook.reid.augmentation import augment

NOTHING = {"flip": 0.0, "pad": 0, "random_erasing": 0.0, "color_jitter": 0.0, "blur": 0.0, "resample": 0.0, "jpeg": 0.0}


def images(count: int = 8, height: int = 32, width: int = 16) -> torch.Tensor:
    """Smooth pictures, each different, (count, height, width, 3) uint8."""
    rows, columns = torch.arange(height).view(1, height, 1, 1), torch.arange(width).view(1, 1, width, 1)
    shift = torch.arange(count).view(count, 1, 1, 1) * 9
    return ((rows * 4 + columns * 6 + shift + torch.tensor([0, 20, 40])) % 256).to(torch.uint8)


def run(seed: int = 0, **changes: float) -> torch.Tensor:
    return augment(images(), Recipe.resolve("baseline", {**NOTHING, **changes}), np.random.default_rng(seed))


def test_without_augmentation_pixels_are_kept() -> None:
    assert torch.equal(run(), images().float())


def test_flip_mirrors_all_or_none() -> None:
    assert torch.equal(run(flip=1.0), images().flip(2).float())
    mixed = run(flip=0.5)
    mirrored = [torch.equal(out, image.flip(1).float()) for out, image in zip(mixed, images(), strict=True)]
    kept = [torch.equal(out, image.float()) for out, image in zip(mixed, images(), strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert any(mirrored)
    assert any(kept)


def test_crops_are_windows_of_the_padded_image() -> None:
    pad = 3
    padded = torch.nn.functional.pad(images().float(), (0, 0, pad, pad, pad, pad))
    offsets = set()
    for out, image in zip(run(pad=pad), padded, strict=True):
        found = [
            (down, right)
            for down in range(2 * pad + 1)
            for right in range(2 * pad + 1)
            if torch.equal(out, image[down : down + 32, right : right + 16])
        ]
        assert len(found) == 1
        offsets.add(found[0])
    assert len(offsets) > 1


def test_erasing_covers_one_rectangle_with_the_mean_color() -> None:
    original = images().float()
    out = run(random_erasing=1.0)
    for changed, image in zip(out, original, strict=True):
        different = (changed != image).any(-1)
        rows, columns = different.any(1).nonzero(), different.any(0).nonzero()
        block = different[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert block.float().mean() > 0.95  # a covered pixel may have had the mean color
        assert 0.01 < different.float().mean() < 0.5
        torch.testing.assert_close(changed[different][0], torch.tensor(IMAGENET_MEAN))


@pytest.mark.parametrize("name", ["color_jitter", "blur", "resample", "jpeg", "random_erasing"])
def test_results_are_pixels_and_depend_on_the_generator_only(name: str) -> None:
    out = run(seed=1, **{name: 0.5})
    assert out.dtype == torch.float32
    assert out.shape == images().shape
    assert 0 <= out.min() <= out.max() <= 255
    assert torch.equal(out, run(seed=1, **{name: 0.5}))
    assert not torch.equal(out, images().float())
    assert not torch.equal(out, run(seed=2, **{name: 0.5}))


@pytest.mark.parametrize("name", ["blur", "resample"])
def test_blurring_keeps_a_flat_image_flat(name: str) -> None:
    flat = torch.full((4, 16, 8, 3), 77, dtype=torch.uint8)
    out = augment(flat, Recipe.resolve("baseline", {**NOTHING, name: 1.0}), np.random.default_rng(0))
    torch.testing.assert_close(out, flat.float(), atol=1e-3, rtol=0)


def test_an_augmentation_that_hits_no_image() -> None:
    for name in ("blur", "resample", "jpeg", "random_erasing"):
        assert torch.equal(run(0, **{name: 1e-9}), images().float())


def test_a_part_of_a_batch_is_changed_as_in_the_whole() -> None:
    everything = {
        "flip": 0.5,
        "pad": 3,
        "random_erasing": 0.5,
        "color_jitter": 0.3,
        "blur": 0.5,
        "resample": 0.5,
        "jpeg": 0.5,
    }
    recipe = Recipe.resolve("baseline", everything)
    whole = augment(images(), recipe, np.random.default_rng(4))
    for start, size in ((0, 3), (3, 5)):
        part = images()[start : start + size]
        found = augment(part, recipe, np.random.default_rng(4), count=8, start=start)
        torch.testing.assert_close(found, whole[start : start + size], atol=1e-3, rtol=0)
