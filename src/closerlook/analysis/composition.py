"""What a target seems to show: the mixture of all levels that explains its mean best.

Fit asks how far each level alone is from the target. A target that shows two levels lies between them, near to
neither. And whatever else differs (people, places, sensor) shifts its mean by some d, so that fit, which holds
-2 <m_l, d>, favours levels that happen to lie along d. So here the target's mean is explained by all levels together,

    m_t = sum over attributes A and their levels l of p_Al beta_Al + d,    p >= 0,  sum_l p_Al = 1,

with beta the additive effects of the levels in the source. d is taken for a draw from what varies between images of
the same levels, with covariance S; then the best p minimises d' S^-1 d (generalised least squares; Aitken, 1935). S is
shrunk towards the identity (Ledoit and Wolf, Journal of Multivariate Analysis, 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from closerlook.analysis.bootstrap import REPLICATES, scale_of
from closerlook.analysis.measurement import Measurement
from closerlook.analysis.resampling import TargetUnits, draw, small_sample_factor
from closerlook.randomness import keyed_rng

__all__ = ["Composition", "estimate_composition", "mixture_on_simplices"]

WIDTH = 1024  # coordinates in which S is estimated
MIN_FREEDOM = 2

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Composition:
    """Shares (levels,) of the target's images by level, those of a factor summing to 1, with 95 % intervals.

    All nan where they cannot be estimated; nan for levels without images.
    """

    share: Float
    low: Float
    high: Float


def estimate_composition(
    measurement: Measurement, weights: Float, seed: int, units: TargetUnits, replicates: int = REPLICATES
) -> Composition:
    """The shares, with percentiles of a bootstrap over groups of people (to first order) and the target's units.

    The intervals are about people and images that might have been drawn. They do not know how the target differs from
    the source otherwise, beyond the differences that images of the source have among themselves.

    Args:
        weights: (b,) of the blocks of Phi.
        units: what is drawn on the target's side.
    """
    source, target = _project(measurement, weights, units)
    images = measurement.members @ measurement.cell_counts
    present = images > 0
    fitted = _effects(measurement, source)
    shares = np.full((replicates + 1, len(images)), np.nan)
    if fitted is not None:
        effects, influences = fitted.reduced(present)
        aims = _draws(units.counts, target @ fitted.axes, replicates, seed)
        drawn = draw(len(influences), replicates, seed, "groups") - 1
        moved = np.tensordot(small_sample_factor(len(influences)) * drawn, influences, 1)
        factor = np.repeat(np.arange(len(measurement.factors)), [len(own) for own in measurement.factors])[present]
        for index, aim in enumerate(aims):
            own = effects if index == 0 else effects + moved[index - 1]
            shares[index, present] = mixture_on_simplices(own, aim, factor)
    low, high = np.quantile(shares[1:], [0.025, 0.975], axis=0)
    return Composition(shares[0], low, high)


def mixture_on_simplices(effects: Float, aim: Float, factor: Int) -> Float:
    """The p >= 0 that minimises ||effects' p - aim||^2, where those of each factor sum to 1.

    Args:
        effects: (l, q).
        aim: (q,).
        factor: (l,) the factor of each row, numbered from 0.

    The sums are heavily weighted rows of a non-negative least-squares problem (Lawson and Hanson, 1974, chapter 22).
    """
    heavy = 1e4 * max(float(np.linalg.norm(effects, axis=1).max()), 1e-300)
    member = factor[None] == np.arange(factor.max() + 1)[:, None]
    rows = np.vstack([effects.T, heavy * member])
    found, _ = nnls(rows, np.concatenate([aim, np.full(len(member), heavy)]), maxiter=100 * len(factor))
    return np.asarray(found / (member @ found)[factor])


@dataclass(frozen=True)
class _Effects:
    """Effects (l, k) of the levels, what each group of people adds to them (groups, l, k), and the axes (k, q) in which
    effects lie and distances are d' S^-1 d."""

    effects: Float
    influences: Float
    axes: Float

    def reduced(self, present: NDArray[np.bool]) -> tuple[Float, Float]:
        """Effects and influences of these levels along the axes."""
        return self.effects[present] @ self.axes, self.influences[:, present] @ self.axes


def _effects(measurement: Measurement, source: Float) -> _Effects | None:
    """From units' means (u, k) by least squares, each weighted by its images; None where they leave no residue."""
    cell, group = measurement.units.T
    levels, number = measurement.members.T[cell], measurement.unit_counts.astype(float)
    weighted = levels.T * number
    inverse = np.linalg.pinv(weighted @ levels)
    effects = inverse @ (weighted @ source)
    residues = source - levels @ effects
    freedom = len(source) - np.linalg.matrix_rank(inverse)
    if freedom < MIN_FREEDOM or not (residues**2).sum() > 1e-12 * (source**2).sum():
        return None
    influences = np.zeros((int(group.max()) + 1, *effects.shape))
    for one in range(len(influences)):
        own = group == one
        influences[one] = inverse @ (weighted[:, own] @ residues[own])
    lower = cholesky(_shrunk(residues * np.sqrt(number)[:, None], freedom), lower=True)
    whitened = solve_triangular(lower, effects.T, lower=True)
    inside = np.linalg.svd(whitened, full_matrices=False)[0]  # all that the mixture can reach
    return _Effects(effects, influences, solve_triangular(lower, inside, lower=True, trans="T"))


def _shrunk(residues: Float, freedom: int) -> Float:
    """The covariance of residues (n, k), shrunk by Ledoit and Wolf's share towards a multiple of the identity."""
    n, k = residues.shape
    plain = residues.T @ residues / n
    mean = float(np.trace(plain)) / k
    apart = float((plain**2).sum()) / k - mean**2
    noise = (float(((residues**2).sum(axis=1) ** 2).sum()) / n - float((plain**2).sum())) / (n * k)
    share = min(noise / apart, 1.0) if apart > 0 else 1.0
    return np.asarray(((1 - share) * plain + share * mean * np.eye(k)) * n / freedom)


def _project(measurement: Measurement, weights: Float, units: TargetUnits) -> tuple[Float, Float]:
    """Means of Phi - m_t of the source's (u, k) and the target's units (h, k): all blocks, weighted, in one sketch."""
    scale = scale_of(measurement, weights)
    if len(scale) <= WIDTH:
        return measurement.unit_sketches * scale, units.sketches * scale
    rng = keyed_rng(0, "composition", len(scale))
    place, sign = rng.integers(WIDTH, size=len(scale)), rng.choice([-1.0, 1.0], len(scale))
    to = sparse.csr_array((scale * sign, (np.arange(len(scale)), place)), shape=(len(scale), WIDTH))
    return np.asarray(measurement.unit_sketches @ to), np.asarray(units.sketches @ to)


def _draws(counts: Float, means: Float, replicates: int, seed: int) -> Float:
    """The target's mean from its units' means (h, q), and its bootstrap replicates: (1 + replicates, q)."""
    mean = counts @ means / counts.sum()
    drawn = draw(len(counts), replicates, seed, "target") * counts
    deviations = drawn @ means / drawn.sum(axis=1, keepdims=True) - mean
    return np.vstack([mean, mean + small_sample_factor(len(counts)) * deviations])
