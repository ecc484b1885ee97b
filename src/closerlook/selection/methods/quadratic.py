"""A sampling distribution over cells: the convex quadratic program whose mixture is nearest to the target.

minimize    w' D w                       D = <m_a - m_t, m_c - m_t> over cells
subject to  w >= 0,  sum w = 1,          a distribution
            w_c <= (images of c) / N     N images can be drawn without taking one twice, where N is given
            sum of a level's w <= cap    where a level's share of the images is limited
            sum of a level's w = its share of all images, for factors that are to stay as they are
            ||w||^2 <= 1 / E             at least E cells' worth of variety, where it is asked for

With the means as measured, w' D w is the squared distance plus the variance of the weighted mean, so cells that few
images speak for are trusted less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse

from closerlook.arrays import Float
from closerlook.attributes import Level
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap
from closerlook.selection.methods.asked import Asked, Choice, all_values

__all__ = ["Distribution", "choose", "nearest_distribution"]

NEGLIGIBLE = 1e-7


def choose(gap: Gap, asked: Asked) -> Choice:
    """All images that have weight, drawn by it in batches; with a budget so many images, each once."""
    budget = asked.budget
    found = nearest_distribution(
        gap, budget, min_effective_cells=asked.min_effective_cells, caps=asked.caps, all_levels=asked.all_levels
    )
    available = np.maximum(gap.images_per_cell, 1)
    total = gap.images_per_cell.sum()
    optimum = {"distance": found.distance, "bound": found.bound, "effective_cells": found.effective}
    if budget is None:
        return Choice(all_values(gap), found.weights * total / available, "batches", optimum=optimum)
    return Choice(all_values(gap), np.minimum(found.weights * budget / available, 1.0), "images", optimum=optimum)


@dataclass(frozen=True)
class Distribution:
    """The best distribution over cells.

    Attributes:
        weights: (cells,) non-negative, summing to 1.
        distance: w' D w.
        bound: no distribution that meets the constraints has a lower value: the dual objective.
    """

    weights: Float
    distance: float
    bound: float

    @property
    def effective(self) -> float:
        """The effective number of cells, 1 / ||w||^2."""
        return 1 / float((self.weights**2).sum())


def nearest_distribution(
    gap: Gap,
    budget: int | None = None,
    *,
    min_effective_cells: float | None = None,
    caps: Mapping[str, Mapping[Level, float]] | None = None,
    all_levels: frozenset[str] = frozenset(),
) -> Distribution:
    """Solve the program.

    Args:
        budget: N, how many images will be drawn, none twice; with None as often as one likes.
        min_effective_cells: E, a number of equally weighted cells; the effective number 1 / ||w||^2 is at least that.
        caps: the largest share of the images that a level may have, as ``{"weather": {"foggy": 0.1}}``.
        all_levels: names of factors whose levels keep the shares that they have in the source.

    Raises:
        UsageError: the budget exceeds the images there are, ``min_effective_cells`` the cells, or a cap is not a share.
        CloserlookError: nothing meets all constraints, or the solver does not converge.

    Example:
        >>> from closerlook.selection import nearest_distribution
        >>> weights = nearest_distribution(gap, len(data) // 2).weights
        >>> round(float(weights.sum()), 6)
        1.0
    """
    available = gap.images_per_cell
    cells = len(available)
    if budget is not None and not 1 <= budget <= available.sum():
        raise UsageError(f"The budget must be between 1 and {available.sum():,} images, not {budget:,}.")
    # A cell of which no image was analyzed (in a split half, say) has no mean to be near to anything
    most = np.minimum(available if budget is None else available / budget, 1.0)
    largest = np.where(gap.analyzed_per_cell > 0, most, 0.0)
    distances = gap.cell_products(unbiased=False)
    scale = max(float(np.abs(distances).max()), 1e-300)
    fixed, shares = _kept_shares(gap, all_levels)
    limited, limits = _level_caps(gap, caps or {})
    cones = [clarabel.ZeroConeT(1 + len(shares)), clarabel.NonnegativeConeT(2 * cells + len(limits))]
    rows = [np.ones((1, cells)), fixed, -np.eye(cells), np.eye(cells), limited]
    bounds = [np.ones(1), shares, np.zeros(cells), largest, limits]
    if min_effective_cells is not None:
        _check_effective(min_effective_cells, largest)
        cones.append(clarabel.SecondOrderConeT(cells + 1))
        rows += [np.zeros((1, cells)), -np.eye(cells)]
        bounds += [np.full(1, min_effective_cells**-0.5), np.zeros(cells)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    quadratic = sparse.csc_matrix(np.triu(2 * distances / scale))
    solver = clarabel.DefaultSolver(
        quadratic, np.zeros(cells), sparse.csc_matrix(np.vstack(rows)), np.concatenate(bounds), cones, settings
    )
    solution = solver.solve()
    if "Infeasible" in str(solution.status):
        raise CloserlookError(
            "No mixture meets the caps, the effective cells and the budget together: loosen one of them."
        )
    if str(solution.status) not in ("Solved", "AlmostSolved"):
        raise CloserlookError(f"No best mixture of cells was found (the solver says {solution.status}).")
    weights = np.asarray(solution.x)
    weights = np.where(weights > NEGLIGIBLE, weights, 0)
    weights = weights / weights.sum()
    return Distribution(weights, float(weights @ distances @ weights), solution.obj_val_dual * scale)


def _kept_shares(gap: Gap, all_levels: frozenset[str]) -> tuple[Float, Float]:
    """A row of ones where a level's cells are, and its share of all images; the last level's follows."""
    images = gap.images_per_cell
    levels = [(f.name, level) for f in gap.factors if f.name in all_levels for level in f.levels[:-1]]
    rows = np.array([gap.cells_of({name: [level]}).astype(float) for name, level in levels]).reshape(-1, len(images))
    return rows, rows @ images / images.sum()


def _level_caps(gap: Gap, caps: Mapping[str, Mapping[Level, float]]) -> tuple[Float, Float]:
    """A row of ones where a capped level's cells are, and its cap: (caps, cells), (caps,)."""
    rows, limits = [], []
    for name, shares in caps.items():
        for level, share in shares.items():
            if not 0 <= share <= 1:
                raise UsageError(f"The cap of {name} {level} must be a share between 0 and 1, not {share:g}.")
            rows.append(gap.cells_of({name: [level]}).astype(float))
            limits.append(share)
    return np.array(rows).reshape(-1, len(gap.images_per_cell)), np.array(limits)


def _check_effective(min_effective_cells: float, most_each: Float) -> None:
    """The most even distribution that the caps allow is proportional to them or uniform, whichever is possible."""
    uniform = np.full(len(most_each), 1 / len(most_each))
    even = uniform if (uniform <= most_each + 1e-12).all() else most_each / most_each.sum()
    largest = 1 / float((even**2).sum())
    if not 1 <= min_effective_cells <= largest + 1e-9:
        raise UsageError(
            f"min_effective_cells must be 1 to {largest:.0f}, as the budget allows, not {min_effective_cells:g}."
        )
