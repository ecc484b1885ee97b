"""What each camera of the target sees: enough to hold the source against one camera, or against any mixture of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from closerlook.arrays import Float, Int
from closerlook.gap.measure.moments import Sketch, inner_products, mean_variance, squared_norms
from closerlook.gap.measure.target import TargetMoments

__all__ = ["Cameras", "cameras_of_subset", "measure_cameras"]


@dataclass(frozen=True)
class Cameras:
    """Moments of k cameras in h runs of the target's table; b blocks, l levels, r dimensions of the projection.

    Attributes:
        names: (k,) numbers of the cameras.
        counts: (h, k) images.
        distances: (h, k, b) sums of ||Phi - m_t||^2.
        bias: (k, b) tr Cov(m_k), from how much a camera's runs differ.
        products: (b, k, k) <m_k - m_t, m_j - m_t>.
        level_dots: (b, l, k) <m_l - m_t, m_k - m_t>.
        sketches: (h, k, r) float32 projections of the means of Phi - m_t.
    """

    names: Int
    counts: Int = field(repr=False)
    distances: Float = field(repr=False)
    bias: Float = field(repr=False)
    products: Float = field(repr=False)
    level_dots: Float = field(repr=False)
    sketches: NDArray[np.float32] = field(repr=False)


def measure_cameras(target: TargetMoments, levels: Tensor, sketch: Sketch, parts: tuple[slice, ...]) -> Cameras | None:
    """The cameras against the levels' means of Phi - m_t, (l, d); None where only one camera is known."""
    if len(target.cameras) < 2:
        return None
    means = target.means(0)
    bias = np.zeros((len(target.cameras), len(parts)))
    for camera, mean in enumerate(means):
        apart = [squared_norms((offset - mean)[None], parts)[0] for offset in target.offsets[:, camera]]
        bias[camera] = mean_variance(target.counts[:, camera], torch.stack(apart).numpy(force=True))
    return Cameras(
        names=np.array(target.cameras),
        counts=target.counts,
        distances=target.distances,
        bias=bias,
        products=inner_products(means, means, parts).numpy(force=True),
        level_dots=inner_products(levels, means, parts).numpy(force=True),
        sketches=torch.stack([sketch(offset) for offset in target.offsets]).numpy(force=True),
    )


def cameras_of_subset(
    cameras: Cameras, runs: NDArray[np.bool], shift: Float, levels: Float, parts: tuple[slice, ...]
) -> Cameras | None:
    """The cameras in some ``runs`` (h,) of the target's table only, about another center, from their projections.

    None where fewer than two cameras have images there.

    Args:
        shift: (r,) the new center, from the old.
        levels: (l, r) the levels' means, about the new center.
        parts: where each block lies in a projection.
    """
    seen = cameras.counts[runs].sum(axis=0) > 0
    if seen.sum() < 2:
        return None
    counts, sketches = cameras.counts[runs][:, seen], cameras.sketches[runs][:, seen].astype(np.float64)
    there = (counts > 0)[..., None]
    moved = np.stack([shift[part] @ shift[part] - 2 * sketches[..., part] @ shift[part] for part in parts], axis=-1)
    sketches = np.where(there, sketches - shift, 0)
    means = np.einsum("hk,hkr->kr", counts, sketches) / counts.sum(axis=0)[:, None]
    apart = np.stack([((sketches - means)[..., part] ** 2).sum(axis=-1) for part in parts], axis=-1)
    return Cameras(
        names=cameras.names[seen],
        counts=counts,
        distances=cameras.distances[runs][:, seen] + counts[..., None] * moved,
        bias=np.stack([mean_variance(images, apart[:, camera]) for camera, images in enumerate(counts.T)]),
        products=np.stack([means[:, part] @ means[:, part].T for part in parts]),
        level_dots=np.stack([levels[:, part] @ means[:, part].T for part in parts]),
        sketches=sketches.astype(np.float32),
    )
