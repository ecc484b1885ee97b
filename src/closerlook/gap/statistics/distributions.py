"""Whole distributions of pooled features, not only their means: coverage, Frechet and kernel distance of any subset.

All three are kept per cell of the design in a form that adds, so that any subset of cells is compared in milliseconds.
Pooled features are the content layer averaged over the image, or the embedding's vector itself. At most 8,192 images of
the source, evenly from all cells, and 4,096 of the target take part.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.special import gammaln
from torch import Tensor

from closerlook.arrays import Float, Int
from closerlook.gap.measure.target import TargetMoments

__all__ = ["Distributions", "compare", "measure_distributions"]

PRINCIPAL = 32  # directions in which Frechet distances are taken
CHUNK = 1024

Bools = NDArray[np.bool]


@dataclass(frozen=True)
class Distributions:
    """Sums over cells (c) of pooled features, for m target images and q principal directions of the target.

    Attributes:
        images: (c,) images that take part.
        near: (m, c) how many of a cell's images are nearer to a target image than its nearest neighbor in the target.
        kernel: (c, c) sums of k(x, y) over pairs of images of different groups of people.
        kernel_pairs: (c, c) how many pairs these are.
        kernel_target: (c,) sums over images of the mean k(x, y) over all target images.
        kernel_self: (1,) mean of k(x, y) over pairs of target images of different runs.
        sums: (c, q) sums of the features along the directions, about the target's mean.
        products: (c, q, q) sums of their products.
        variances: (q,) the target's variances along the directions, which are uncorrelated in it.
    """

    images: Int = field(repr=False)
    near: NDArray[np.uint16] = field(repr=False)
    kernel: Float = field(repr=False)
    kernel_pairs: Int = field(repr=False)
    kernel_target: Float = field(repr=False)
    kernel_self: Float
    sums: Float = field(repr=False)
    products: Float = field(repr=False)
    variances: Float = field(repr=False)


def measure_distributions(
    features: Tensor, cell: Int, group: Int, cells: int, target: TargetMoments
) -> Distributions | None:
    """From pooled features (n, p) of source images with their cells and groups of people, sorted by cell.

    None where target images are too few (8) or all alike.
    """
    assert target.pooled is not None
    mean = target.pooled.mean(dim=0)
    x, y = features - mean, target.pooled - mean
    spread = float((y.double() ** 2).sum() / max(len(y) - 1, 1))
    if len(y) < 8 or not spread > 1e-12 * float((mean.double() ** 2).sum()):
        return None
    cell_of_image, run = (torch.from_numpy(value).to(x.device) for value in (cell, target.pooled_run))
    person = torch.from_numpy(group if len(np.unique(group)) > 1 else np.arange(len(group))).to(x.device)
    near = _near(x, cell_of_image, cells, y, run)
    sums, products, variances = _principal(x, cell_of_image, cells, y)
    scale = (x.shape[1] / spread) ** 0.5
    x, y = x * scale, y * scale
    kernel = torch.zeros(cells, cells, dtype=torch.float64, device=x.device)
    kernel_target = torch.zeros(cells, dtype=torch.float64, device=x.device)
    for rows in torch.split(torch.arange(len(x), device=x.device), CHUNK):
        values = _kernel(x[rows], x).mul_(person[rows][:, None] != person)
        columns = values.new_zeros(len(rows), cells).index_add_(1, cell_of_image, values)
        kernel.index_add_(0, cell_of_image[rows], columns.double())
        kernel_target.index_add_(0, cell_of_image[rows], _kernel(x[rows], y).mean(dim=1).double())
    people = np.unique(person.numpy(force=True), return_inverse=True)[1]
    counts = np.zeros((cells, int(people.max()) + 1), np.int64)
    np.add.at(counts, (cell, people), 1)
    images = counts.sum(axis=1)
    return Distributions(
        images=images,
        near=near,
        kernel=kernel.numpy(force=True),
        kernel_pairs=np.outer(images, images) - counts @ counts.T,
        kernel_target=kernel_target.numpy(force=True),
        kernel_self=_self_kernel(y, run),
        sums=sums,
        products=products,
        variances=variances,
    )


def compare(distributions: Distributions, cells: Bools, draw: int) -> dict[str, float]:
    """How the distribution of the images of ``cells`` (c,) compares with the target's.

    Args:
        draw: coverage is that of so many of the images, drawn at random: more images cover more, so only equal numbers
            compare. Sets with fewer images take all.

    Returns:
        ``coverage``: the expected share of target images with a source image nearer than their nearest neighbor in the
        target (of another run of its table, so that it is not the next frame). ``frechet_distance``: the Frechet
        distance of Gaussians (Heusel et al., NeurIPS 2017) in the target's first 32 principal directions, over its
        variance there; nan for fewer than 64 images. ``kernel_distance``: the unbiased squared MMD with the kernel of
        KID, (x'y / p + 1)^3 (Binkowski et al., ICLR 2018), of features about the target's mean in units of its spread.
    """
    n = int(distributions.images[cells].sum())
    near = distributions.near[:, cells].sum(axis=1, dtype=np.int64)
    return {
        "coverage": _coverage(near, n, min(draw, n)) if n else np.nan,
        "frechet_distance": _frechet(distributions, cells, n),
        "kernel_distance": _mmd(distributions, cells, n),
    }


def _coverage(near: Int, n: int, draw: int) -> float:
    """1 - C(n - k, draw) / C(n, draw), the chance that any of k near images is among ``draw`` of n, on average."""
    left = n - near
    with np.errstate(invalid="ignore"):
        missed = np.exp(gammaln(left + 1) - gammaln(left - draw + 1) - gammaln(n + 1) + gammaln(n - draw + 1))
    missed = np.where(near > 0, missed, 1.0)  # without rounding
    return float(1 - np.where(left >= draw, missed, 0).mean())


def _frechet(distributions: Distributions, cells: Bools, n: int) -> float:
    if not len(distributions.variances) or n < 2 * len(distributions.variances):
        return float("nan")
    mean = distributions.sums[cells].sum(axis=0) / n
    covariance = (distributions.products[cells].sum(axis=0) - n * np.outer(mean, mean)) / (n - 1)
    root = np.sqrt(distributions.variances)
    shared = np.sqrt(np.linalg.eigvalsh(root[:, None] * covariance * root).clip(min=0)).sum()
    total = float(distributions.variances.sum())
    return float((mean @ mean + np.trace(covariance) + total - 2 * shared) / total)


def _mmd(distributions: Distributions, cells: Bools, n: int) -> float:
    pairs = int(distributions.kernel_pairs[np.ix_(cells, cells)].sum())
    if not pairs:
        return float("nan")
    within = distributions.kernel[np.ix_(cells, cells)].sum() / pairs
    return float(within - 2 * distributions.kernel_target[cells].sum() / n + distributions.kernel_self[0])


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _self_kernel(y: Tensor, run: Tensor) -> Float:
    apart = run[:, None] != run
    total = sum(float((_kernel(y[rows], y) * apart[rows]).sum(dtype=torch.float64)) for rows in _chunks(y))
    return np.array([total / max(float(apart.sum()), 1)])


def _chunks(y: Tensor) -> tuple[Tensor, ...]:
    return torch.split(torch.arange(len(y), device=y.device), CHUNK)


def _near(x: Tensor, cell: Tensor, cells: int, y: Tensor, run: Tensor) -> NDArray[np.uint16]:
    lengths, nearer_images = (x**2).sum(dim=1), np.zeros((len(y), cells), np.uint16)
    for rows in _chunks(y):
        images = y[rows]
        to_target = ((images**2).sum(dim=1)[:, None] + (y**2).sum(dim=1) - 2 * images @ y.T).masked_fill(
            run[rows][:, None] == run, torch.inf
        )
        to_source = (images**2).sum(dim=1)[:, None] + lengths - 2 * images @ x.T
        nearer = (to_source < to_target.amin(dim=1, keepdim=True)).float()
        counts = nearer.new_zeros(len(images), cells).index_add_(1, cell, nearer)
        nearer_images[rows.numpy(force=True)] = counts.numpy(force=True).astype(np.uint16)
    return nearer_images


def _principal(x: Tensor, cell: Tensor, cells: int, y: Tensor) -> tuple[Float, Float, Float]:
    covariance = (y.double().T @ y.double() / (len(y) - 1)).numpy(force=True)
    size = len(covariance)
    # Divide and conquer (torch, NumPy) need not converge where many variances are 0: fewer images than features.
    eigenvalues, directions = eigh(covariance, subset_by_index=(max(0, size - PRINCIPAL), size - 1), driver="evr")
    count = min(len(y) // 4, int((eigenvalues > 1e-9 * eigenvalues[-1]).sum()))
    variances = eigenvalues[len(eigenvalues) - count :]
    along = x.double() @ torch.from_numpy(directions[:, len(eigenvalues) - count :].copy()).to(x.device)
    sums = along.new_zeros(cells, count).index_add_(0, cell, along)
    products = along.new_zeros(cells, count, count)
    for rows in torch.split(torch.arange(len(x), device=x.device), CHUNK):
        products.index_add_(0, cell[rows], along[rows][:, :, None] * along[rows][:, None])
    return sums.numpy(force=True), products.numpy(force=True), variances
