"""Augmentation of a whole batch at once, before normalization, on the device that the images are on.

Random numbers come from a NumPy generator keyed by the step, so they do not depend on the device or on resuming. A
process that holds only a part of the batch draws for all of it and takes its part, so they do not depend on the number
of processes either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import simplejpeg
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from closerlook.embedding.backbones.base import IMAGENET_MEAN
from closerlook.reid.recipe import Recipe

__all__ = ["augment"]

ERASED_AREA = (0.02, 0.4)  # Zhong et al., "Random Erasing Data Augmentation", AAAI 2020
ERASED_ASPECT = 1 / 0.3
BLUR_SIGMA = (0.5, 1.5)
RESAMPLED = (0.4, 0.9)
JPEG_QUALITY = (30, 90)
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class _Draws:
    """Random numbers for a batch of ``count`` images, of which this process has ``part``."""

    rng: np.random.Generator
    count: int
    part: slice

    def uniform(self, low: float, high: float) -> NDArray[np.float64]:
        return self.rng.uniform(low, high, self.count)[self.part]

    def chosen(self, share: float) -> NDArray[np.bool_]:
        """Which images an augmentation of this share applies to."""
        return self.rng.random(self.count)[self.part] < share


def augment(
    images: Tensor, recipe: Recipe, rng: np.random.Generator, *, count: int | None = None, start: int = 0
) -> Tensor:
    """Images (b, h, w, 3) uint8 -> (b, h, w, 3) float32 in 0..255, changed as the recipe says.

    Args:
        count, start: the images are those from ``start`` of a batch of ``count``; all of it by default.
    """
    draws = _Draws(rng, count or len(images), slice(start, start + len(images)))
    if recipe.jpeg:
        images = _recompress(images, recipe.jpeg, draws)
    x = _shift_and_flip(images, recipe.pad, recipe.flip, draws).float()
    if recipe.resample:
        x = _resample(x, recipe.resample, draws)
    if recipe.blur:
        x = _blur(x, recipe.blur, draws)
    if recipe.color_jitter:
        x = _recolor(x, recipe.color_jitter, draws)
    if recipe.random_erasing:
        x = _erase(x, recipe.random_erasing, draws)
    return x


def _tensor(values: NDArray[np.float64], like: Tensor) -> Tensor:
    """(b,) values as float32 (b, 1, 1, 1) on the device of ``like``."""
    return torch.from_numpy(values.astype(np.float32)).to(like.device).view(-1, 1, 1, 1)


def _shift_and_flip(images: Tensor, pad: int, flip: float, draws: _Draws) -> Tensor:
    """Mirror some images and crop each from its black-padded self: one gather, on bytes."""
    count, height, width, _ = images.shape
    down, right = draws.rng.integers(0, 2 * pad + 1, (2, draws.count, 1))[:, draws.part]
    rows = np.arange(height) + down
    columns = np.arange(width) + right
    mirrored = draws.chosen(flip)
    columns[mirrored] = columns[mirrored, ::-1]
    padded = F.pad(images, (0, 0, pad, pad, pad, pad))
    device = images.device
    batch = torch.arange(count, device=device).view(-1, 1, 1)
    return padded[
        batch, torch.from_numpy(rows).to(device)[:, :, None], torch.from_numpy(columns).to(device)[:, None, :]
    ]


def _recolor(x: Tensor, strength: float, draws: _Draws) -> Tensor:
    """Brightness, contrast and saturation, each by a factor within 1 +- strength, and a slight tint."""
    factors = [draws.uniform(1 - strength, 1 + strength) for _ in range(3)]
    brightness, contrast, saturation = (_tensor(factor, x) for factor in factors)
    tint = draws.rng.uniform(1 - strength / 5, 1 + strength / 5, (draws.count, 1, 1, 3))[draws.part]
    lit = x * (brightness * torch.from_numpy(tint).to(x))
    mean = lit.mean((1, 2, 3), keepdim=True)
    lit = (lit - mean) * contrast + mean
    gray = (lit * torch.tensor(LUMA, device=x.device)).sum(-1, keepdim=True)
    return ((lit - gray) * saturation + gray).clamp_(0, 255)


def _erase(x: Tensor, share: float, draws: _Draws) -> Tensor:
    """Cover a rectangle of some images with ImageNet's mean color, as the reference implementations do."""
    _, height, width, _ = x.shape
    area = draws.uniform(*ERASED_AREA) * height * width
    aspect = ERASED_ASPECT ** draws.uniform(-1, 1)
    tall = np.minimum(np.sqrt(area * aspect), height - 1).astype(np.int64)
    wide = np.minimum(np.sqrt(area / aspect), width - 1).astype(np.int64)
    top = (draws.uniform(0, 1) * (height - tall + 1)).astype(np.int64)
    left = (draws.uniform(0, 1) * (width - wide + 1)).astype(np.int64)
    used = draws.chosen(share)
    rows, columns = np.arange(height), np.arange(width)
    in_rows = (rows >= top[:, None]) & (rows < (top + tall)[:, None]) & used[:, None]
    in_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
    covered = torch.from_numpy(in_rows[:, :, None] & in_columns[:, None, :]).to(x.device)
    return torch.where(covered[..., None], torch.tensor(IMAGENET_MEAN, device=x.device), x)


def _resample(x: Tensor, share: float, draws: _Draws) -> Tensor:
    """Shrink some images and enlarge them again; those of a batch by one factor, which keeps it one operation."""
    chosen = torch.from_numpy(np.flatnonzero(draws.chosen(share))).to(x.device)
    factor = draws.rng.uniform(*RESAMPLED)
    size = x.shape[1:3]
    small = [max(1, round(length * factor)) for length in size]
    planes = x[chosen].permute(0, 3, 1, 2)
    if len(chosen):
        planes = F.interpolate(planes, small, mode="bilinear", antialias=True, align_corners=False)
        planes = F.interpolate(planes, size, mode="bilinear", align_corners=False)
    return x.index_copy(0, chosen, planes.permute(0, 2, 3, 1))


def _blur(x: Tensor, share: float, draws: _Draws) -> Tensor:
    """Gaussian blur of some images; those of a batch by one width."""
    chosen = torch.from_numpy(np.flatnonzero(draws.chosen(share))).to(x.device)
    sigma = draws.rng.uniform(*BLUR_SIGMA)
    offsets = torch.arange(-3, 4, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).repeat(3, 1)
    planes = F.pad(x[chosen].permute(0, 3, 1, 2), (3, 3, 3, 3), mode="replicate")
    planes = F.conv2d(F.conv2d(planes, kernel[:, None, :, None], groups=3), kernel[:, None, None, :], groups=3)
    return x.index_copy(0, chosen, planes.permute(0, 2, 3, 1))


def _recompress(images: Tensor, share: float, draws: _Draws) -> Tensor:
    """Compress some images as JPEG again, on the CPU."""
    array = images.cpu().numpy().copy()
    qualities = draws.rng.integers(*JPEG_QUALITY, draws.count)[draws.part].tolist()
    for index in np.flatnonzero(draws.chosen(share)).tolist():
        array[index] = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(array[index], quality=qualities[index]))
    return torch.from_numpy(array).to(images.device)
