"""From moments to the paper's losses, and to what they hide: squared MMD and diversity.

For a set of source images s and the target t, over *all* pairs,

    mean L_total = E ||Phi_s||^2 + E ||Phi_t||^2 - 2 <m_s, m_t>  =  ||m_s - m_t||^2 + tr Cov_s + tr Cov_t.

It rewards a set for being uniform: a collapsed set scores better than a perfect copy of the target. So its three parts
are kept apart: *mmd2*, the gap, is the unbiased estimate of ||mu_s - mu_t||^2, the squared maximum mean discrepancy of
the linear kernel in Phi (Gretton et al., JMLR 2012), and *diversity* is tr Cov_s / tr Cov_t. Unbiased
means that images of one person, which share looks and often a backdrop, are not taken for independent: products are
over images of different groups of people, and the target's over different runs of its table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from closerlook.arrays import Float
from closerlook.embedding import Block
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.gap.measure.measurement import Measurement

__all__ = ["SCALINGS", "Losses", "Weights", "image_losses", "set_losses", "weigh"]

SCALINGS = ("balanced", "literal")


@dataclass(frozen=True)
class Weights:
    """What multiplies each block's squared distance.

    Attributes:
        total: (b,) for the total loss.
        terms: (b,) for each of style, content or feature alone, without alpha and beta.
    """

    total: Float
    terms: dict[str, Float]


def weigh(
    blocks: Sequence[Block], target_spread: Float, scaling: str = "balanced", alpha: float = 0.9, beta: float = 1.0
) -> Weights:
    """The blocks' weights in the total loss (Eq. 3) and in its terms.

    Args:
        blocks: of Phi.
        target_spread: (b,) tr Cov_t of each, unbiased.
        scaling: ``balanced``, ``literal`` or custom, as below.
        alpha, beta: of style and of content.

    ``literal``: Eqs. 1-3 as printed, total = alpha style + beta content. Content, an unnormalized sum, swamps style.
    ``balanced``: each term is divided by its own mean over pairs of *target* images from different groups (runs of
    its table, so not between neighboring frames), and the total by alpha + beta, so that 1.0 reads "as far apart as
    the target is from itself".
    ``style=2.5,content=3e4`` (custom): each term is divided by the number given for it, and the total by alpha + beta.

    Raises:
        UsageError: an unknown scaling, or weights that are negative or all zero.
        CloserlookError: balanced, but all target images are alike.
    """
    names = list(dict.fromkeys(block.term for block in blocks))
    custom = _read_divisors(scaling, names) if scaling not in SCALINGS else {}
    if not (math.isfinite(alpha + beta) and min(alpha, beta) >= 0 and alpha + beta > 0):
        raise UsageError(f"alpha and beta must be numbers of at least 0, and not both 0; they are {alpha} and {beta}.")
    factors = {"style": alpha, "content": beta, "feature": 1.0}
    literal = np.array([block.weight for block in blocks])
    spread = 2 * target_spread * literal
    terms, total, shares = {}, np.zeros(len(literal)), 0.0
    for term in names:
        of_term = np.array([block.term == term for block in blocks])
        divisor = _divisor(term, spread[of_term]) if scaling == "balanced" else custom.get(term, 1.0)
        terms[term] = np.where(of_term, literal, 0) / divisor
        total += factors[term] * terms[term]
        shares += factors[term]
    if not shares > 0:
        raise UsageError(f"The embedding has no {' or '.join(f for f in factors if factors[f] and f != 'feature')}.")
    return Weights(total if scaling == "literal" else total / shares, terms)


def _read_divisors(text: str, terms: list[str]) -> dict[str, float]:
    """``style=2.5,content=3e4`` -> the numbers by which the terms are divided."""
    if "=" not in text:
        raise unknown("scaling", text, [*SCALINGS, *(f"{term}=NUMBER" for term in terms)])
    divisors: dict[str, float] = {}
    for item in text.split(","):
        name, _, number = item.partition("=")
        if name.strip() not in terms:
            raise unknown("term of the scaling", name.strip(), terms)
        try:
            divisors[name.strip()] = float(number)
        except ValueError:
            raise UsageError(f"Scaling '{text}': '{number}' is not a number.") from None
    if set(divisors) != set(terms) or not all(0 < value < np.inf for value in divisors.values()):
        raise UsageError(f"Scaling '{text}' must give a positive number for each of {', '.join(terms)}.")
    return divisors


def _divisor(term: str, spread: Float) -> float:
    value = float(spread.sum())
    if not value > 0:
        raise CloserlookError(
            f"All target images have the same {term}, so it cannot be the unit of a balanced loss: "
            "give a target with more than one view; an analysis can also use scaling 'literal'."
        )
    return value


@dataclass(frozen=True)
class Losses:
    """Losses of k sets of source images against the target, each (k,).

    Attributes:
        total: mean of the total loss (Eq. 3) over all pairs.
        mmd2: unbiased ||m_s - m_t||^2; nan for a set of one image. It can fall below zero by chance.
        diversity: tr Cov_s / tr Cov_t; nan for a set of one image.
    """

    total: Float
    mmd2: Float
    diversity: Float


def set_losses(counts: Float, totals: Float, products: Float, *, target_spread: float, target_bias: float) -> Losses:
    """Losses of k sets of source images.

    The mean total loss is mmd2 + tr Cov_s + tr Cov_t, so any two of the three parts give the other.

    Args:
        counts: (k,) images in each set.
        totals: (k,) mean of the images' losses.
        products: (k,) unbiased ||mu_s - m_t||^2, from unbiased products of cells' means.
        target_spread: tr Cov_t.
        target_bias: tr Cov(m_t), by which ``products`` exceed ||mu_s - mu_t||^2 on average.
    """
    mmd2 = np.where(counts > 1, products - target_bias, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Losses(totals, mmd2, (totals - mmd2 - target_spread) / target_spread)


def image_losses(measurement: Measurement, weights: Float) -> Float:
    """l_i = ||Phi_i - m_t||^2 + E||Phi_t - m_t||^2: each image's exact mean loss to every target image, (n,)."""
    target = measurement.target_distances.sum(axis=0) / measurement.target_counts.sum()
    return np.asarray((measurement.distances + target) @ weights)
