"""What a target seems to show: the mixture of all levels that explains its mean best.

The squared MMD asks how far each level alone is from the target. A target that shows two levels lies between them, near
to neither. And whatever else differs (people, places, sensor) shifts its mean by some d, so that the squared MMD, which
holds -2 <m_l, d>, favors levels that happen to lie along d. So here the target's mean is explained by all levels
together,

    m_t = sum over attributes A and their levels l of p_Al beta_Al + d,    p >= 0,  sum_l p_Al = 1,

with beta the additive effects of the levels in the source. d is taken for a draw from what varies between images of
the same levels, with covariance S; then the best p minimizes d' S^-1 d (generalized least squares; Aitken, 1935). S is
shrunk towards the identity (Ledoit and Wolf, Journal of Multivariate Analysis, 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

from closerlook.arrays import Float, Int
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.statistics.bootstrap import REPLICATES, draw, scale_of, small_sample_factor
from closerlook.randomness import keyed_rng

__all__ = ["MixtureWeights", "estimate_mixture", "mixture_on_simplices"]

WIDTH = 1024  # coordinates in which S is estimated
CHUNK = 256  # units at a time, so that no second copy of all is made
MIN_FREEDOM = 2


@dataclass(frozen=True)
class MixtureWeights:
    """Mixture weights (levels,): estimated proportions of the target's images by level, with 95 % intervals.

    Those of a factor sum to 1.

    Nan for levels without images; all nan where there is one group of people, images of the same levels do not
    differ, or there are no more features than levels.
    """

    weight: Float
    low: Float
    high: Float


def estimate_mixture(
    measurement: Measurement, weights: Float, seed: int, replicates: int = REPLICATES
) -> MixtureWeights:
    """The mixture weights, with percentiles of replicates that draw groups of people and d anew.

    How large d is, c S with an unknown c, is seen where no mixture reaches: from what is left of the target's mean in
    all other directions. It holds the noise of few target images as well as another domain.

    Args:
        weights: (b,) of the blocks of Phi.
    """
    source, target = _project(measurement, weights)
    images = measurement.members @ measurement.cell_counts
    present = images > 0
    fitted = _effects(measurement, source)
    shares = np.full((replicates + 1, len(images)), np.nan)
    if fitted is not None:
        factor = np.repeat(np.arange(len(measurement.factors)), [len(own) for own in measurement.factors])[present]
        axes, rest = _axes(fitted.effects[present], factor, target, fitted.lower)
        aim, effects, influences = target @ axes, fitted.effects[present] @ axes, fitted.influences[:, present] @ axes
        aims = aim + rest * keyed_rng(seed, "composition", "shift").standard_normal((replicates, len(aim)))
        drawn = draw(len(influences), replicates, seed, "groups") - 1
        moved = effects + np.tensordot(small_sample_factor(len(influences)) * drawn, influences, 1)
        if np.isfinite(rest) and np.isfinite(moved).all():
            pairs = zip([effects, *moved], [aim, *aims], strict=True)
            shares[:, present] = [mixture_on_simplices(*pair, factor) for pair in pairs]
    low, high = np.quantile(shares[1:], [0.025, 0.975], axis=0)
    return MixtureWeights(shares[0], low, high)


def mixture_on_simplices(effects: Float, aim: Float, factor: Int) -> Float:
    """The p >= 0 that minimizes ||effects' p - aim||^2, where those of each factor sum to 1.

    Args:
        effects: (l, q).
        aim: (q,).
        factor: (l,) the factor of each row, numbered from 0.

    The sums are heavily weighted rows of a non-negative least-squares problem (Lawson and Hanson, 1974, chapter 22).
    """
    heavy = 1e4 * (float(np.linalg.norm(effects, axis=1).max()) or 1.0)
    member = factor[None] == np.arange(factor.max() + 1)[:, None]
    rows = np.vstack([effects.T, heavy * member])
    found, _ = nnls(rows, np.concatenate([aim, np.full(len(member), heavy)]), maxiter=100 * len(factor))
    return np.asarray(found / (member @ found)[factor])


@dataclass(frozen=True)
class _Effects:
    """What levels do to the source's mean.

    Attributes:
        effects: (l, k) of the levels.
        influences: (groups, l, k) what each group of people adds to them.
        lower: (k, k) the root of S.
    """

    effects: Float
    influences: Float
    lower: Float


def _effects(measurement: Measurement, source: Float) -> _Effects | None:
    """From units' means (u, k) by least squares, each weighted by its images; None where they leave no residue."""
    from sklearn.covariance import ledoit_wolf  # half a second that no other part of an analysis needs

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
    shrunk, _ = ledoit_wolf(residues * np.sqrt(number)[:, None], assume_centered=True)
    lower = cholesky(shrunk * len(residues) / freedom, lower=True)
    return _Effects(effects, influences, lower)


def _axes(effects: Float, factor: Int, target: Float, lower: Float) -> tuple[Float, float]:
    """The directions (k, q) that mixtures reach, in which squared lengths are d' S^-1 d; and how far the target's mean
    lies from what an even mixture gives in the others, root mean square a direction (nan if there are none)."""
    means = np.stack([effects[factor == one].mean(axis=0) for one in range(factor.max() + 1)])
    inside, lengths, _ = np.linalg.svd(
        solve_triangular(lower, (effects - means[factor]).T, lower=True), full_matrices=False
    )
    inside = inside[:, lengths > 1e-6 * lengths.max()]
    apart = solve_triangular(lower, target - means.sum(axis=0), lower=True)
    outside = apart - inside @ (inside.T @ apart)
    others = len(apart) - inside.shape[1]
    rest = float(np.sqrt((outside**2).sum() / others)) if others else np.nan
    return solve_triangular(lower, inside, lower=True, trans="T"), rest


def _project(measurement: Measurement, weights: Float) -> tuple[Float, Float]:
    """Means of Phi - m_t of the source's units (u, k) and of the target (k,): all blocks, weighted, in one sketch."""
    scale = scale_of(measurement, weights)
    counts = measurement.target_counts
    target = counts @ measurement.target_sketches / counts.sum()
    if len(scale) <= WIDTH:
        return measurement.unit_sketches * scale, target * scale
    rng = keyed_rng(0, "composition", len(scale))
    place, sign = rng.integers(WIDTH, size=len(scale)), rng.choice([-1.0, 1.0], len(scale))
    to = sparse.csr_array((scale * sign, (np.arange(len(scale)), place)), shape=(len(scale), WIDTH))
    chunks = np.array_split(measurement.unit_sketches, -(-len(measurement.unit_sketches) // CHUNK))
    return np.concatenate([chunk @ to for chunk in chunks]), np.asarray(target @ to)
