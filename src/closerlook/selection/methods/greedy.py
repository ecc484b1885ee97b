"""The greedy choice: each attribute's levels by themselves, then the product of what was kept of each."""

from __future__ import annotations

from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.attributes import Factor, Level
from closerlook.choices import Criterion
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap
from closerlook.selection.methods.asked import Asked, Choice, Values
from closerlook.selection.paper import PAPER
from closerlook.selection.rules import Rule, parse_rule

__all__ = ["CRITERIA", "choose", "greedy", "levels", "within_budget"]

CRITERIA: tuple[Criterion, ...] = get_args(Criterion)


def choose(gap: Gap, asked: Asked) -> Choice:
    """What :func:`levels` takes, whole."""
    values = levels(gap, asked)
    return Choice(values, gap.cells_of(values).astype(float))


def levels(gap: Gap, asked: Asked) -> Values:
    """The levels that the rule keeps, within the budget.

    Raises:
        UsageError: there is no such rule, or it does not go with the criterion.
        CloserlookError: nothing is left, or no choice is within the budget.
    """
    values = greedy(gap, criterion=asked.criterion, rule=asked.rule, all_levels=asked.all_levels)
    if asked.budget is not None:
        values = within_budget(gap, values, asked.budget, criterion=asked.criterion, all_levels=asked.all_levels)
    if not gap.cells_of(values).any():
        raise CloserlookError("No image has the chosen levels of all attributes together; choose by another rule.")
    return values


def greedy(
    gap: Gap, *, criterion: Criterion = "mmd2", rule: str = "mean", all_levels: frozenset[str] = frozenset()
) -> Values:
    """The levels of each factor that ``rule`` keeps by their value of ``criterion``, in the factor's order.

    Args:
        rule: ``mean`` keeps levels at or below the mean of the factor's levels; ``not-worse`` (of mmd2) drops only
            those that are significantly above it (see :attr:`closerlook.gap.Gap.levels`); ``top:3`` keeps the three
            lowest; ``below:0.5`` those below that value, as the paper keeps those below a line drawn by hand. The
            lowest level is always kept. ``paper:market`` and ``paper:duke`` keep what the paper kept, whatever the gap;
            an attribute that the paper does not have keeps all.
        all_levels: names of factors of which all levels are taken, whatever the rule.

    Raises:
        UsageError: there is no such rule, or ``not-worse`` is asked for by another measure than mmd2.
        CloserlookError: a factor has no level with a value (mmd2 needs two images), or none of the paper's levels.
    """
    wanted = parse_rule(rule)
    if wanted.name == "not-worse" and criterion != "mmd2":
        raise UsageError("Rule 'not-worse' rests on the intervals of mmd2; use it with criterion='mmd2'.")
    return {
        factor.name: factor.levels if factor.name in all_levels else _kept(gap, factor, wanted, criterion)
        for factor in gap.factors
    }


def within_budget(
    gap: Gap, values: Values, budget: int, *, criterion: Criterion = "mmd2", all_levels: frozenset[str] = frozenset()
) -> Values:
    """Drop levels, the one with the highest value of ``criterion`` first, until at most ``budget`` images are left.

    Raises:
        CloserlookError: one level of each factor is already more, or of each that is not in ``all_levels``.
    """
    height = {(row["factor"], row["level"]): row[criterion] for row in gap.estimates.iter_rows(named=True)}

    def value(item: tuple[str, Level]) -> float:
        score = height[item[0], str(item[1])]
        return -np.inf if score is None else float(score)

    left = dict(values)
    while (images := gap.count_images(left)) > budget:
        droppable = [
            (name, level)
            for name, levels in left.items()
            if len(levels) > 1 and name not in all_levels
            for level in levels
        ]
        if not droppable:
            raise CloserlookError(f"The smallest choice has {images:,} images, more than the budget of {budget:,}.")
        name, worst = max(droppable, key=value)
        left[name] = tuple(level for level in left[name] if level != worst)
    return left


def _kept(gap: Gap, factor: Factor, rule: Rule, criterion: Criterion) -> tuple[Level, ...]:
    if rule.name == "paper":
        return _papers(factor, rule.target)
    values = (
        gap.estimates.filter(pl.col("factor") == factor.name)[criterion].cast(pl.Float64).fill_null(np.nan).to_numpy()
    )
    if np.isnan(values).all():
        raise CloserlookError(
            f"No level of {factor.name} has a {criterion}: each has a single image; analyze more images."
        )
    if rule.name == "not-worse":
        own = (gap.estimates["factor"] == factor.name).to_numpy()
        near = np.array(gap.relative_to_mean)[own] != "above"
    else:
        near = _near(values, rule)
    return tuple(level for level, taken in zip(factor.levels, near, strict=True) if taken)


def _near(values: NDArray[np.float64], rule: Rule) -> NDArray[np.bool]:
    """Which of a factor's levels a rule on their values keeps; nan stands for a level without one."""
    if rule.name == "top":
        rank = np.argsort(np.argsort(values, kind="stable"))  # nan sorts last
        return np.asarray((rank < rule.number) & ~np.isnan(values))
    near = values <= np.nanmean(values) if rule.name == "mean" else values < rule.number
    return np.asarray(near | (values == np.nanmin(values)))


def _papers(factor: Factor, target: str) -> tuple[Level, ...]:
    """The paper's own levels, which a table may hold as text."""
    wanted = PAPER[target].get(factor.name, factor.levels)
    names = {str(level) for level in wanted}
    kept = tuple(level for level in factor.levels if level in wanted or str(level) in names)
    if not kept:
        raise CloserlookError(
            f"The source has none of the paper's levels of {factor.name} ({', '.join(map(str, wanted))})."
        )
    return kept
