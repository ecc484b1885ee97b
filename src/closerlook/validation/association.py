"""Does what trains better lie nearer: rank correlations, and the slope of mAP on the gap with other things equal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from closerlook.arrays import Float, Int
from closerlook.validation.estimates import Estimate, estimate

__all__ = ["correlation", "partial_correlations", "rank_correlations", "slopes"]


def correlation(x: Float, y: Float, drawn: Int, level: float = 0.95) -> Estimate:
    """Spearman's correlation of x (n,) and y (n,), with the interval of drawing the n subsets anew.

    Args:
        drawn: (replicates, n), see :func:`closerlook.validation.estimates.draw_subsets`.
    """
    return estimate(float(rank_correlations(x[None], y[None])[0]), rank_correlations(x[drawn], y[drawn]), level)


def rank_correlations(x: Float, y: Float) -> Float:
    """Spearman's correlation of each row of x (r, n) with that of y; nan where either is constant."""
    a, b = (stats.rankdata(values, axis=1) for values in (x, y))
    a, b = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))


def slopes(y: Float, x: Float, given: Float, rows: Int) -> Float:
    """Least-squares slope of y on x in each of r draws of subsets, with everything in ``given`` equal.

    Args:
        y, x: (n,)
        given: (n, q)
        rows: (r, n) the subsets of each draw; ``np.arange(n)[None]`` for the slope itself.

    Returns:
        (r,) in units of y over units of x; 0 where all x of a draw are alike.
    """
    columns = np.column_stack([x, given])
    center, scale = columns.mean(axis=0), columns.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    design: NDArray[np.float64] = np.column_stack([np.ones(len(x)), (columns - center) / scale])
    found = np.linalg.pinv(design[rows], rcond=1e-9) @ y[rows][:, :, None]
    return np.asarray(found[:, 1, 0] / scale[0])


def partial_correlations(y: Float, x: Float, given: Float) -> Float:
    """Correlation of y (n,) with each row of x (r, n), everything in ``given`` (n, q) being equal; 0 where either is
    explained by that."""
    design = np.column_stack([np.ones(len(y)), given - given.mean(axis=0)])
    basis, lengths, _ = np.linalg.svd(design / np.maximum(np.linalg.norm(design, axis=0), 1e-300), full_matrices=False)
    basis = basis[:, lengths > 1e-9]
    left, others = (values - (values @ basis) @ basis.T for values in (y, x))
    norms = np.sqrt((left**2).sum() * (others**2).sum(axis=1))
    return np.asarray(others @ left / np.where(norms > 1e-12 * np.sqrt((y**2).sum()), norms, np.inf))
