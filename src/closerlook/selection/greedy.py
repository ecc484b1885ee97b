"""The paper's greedy choice: in each attribute, the levels whose loss is below the line; together, their product."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import polars as pl

from closerlook.analysis import Gap
from closerlook.analysis.intervals import mean_of_known
from closerlook.attributes import Level
from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.selection.paper import PAPER

__all__ = ["MEASURES", "Values", "greedy", "within_budget"]

MEASURES = ("fit", "pair_loss")

Values = dict[str, tuple[Level, ...]]


def greedy(gap: Gap, *, on: str = "fit", rule: str = "mean", keep: Collection[str] = ()) -> Values:
    """The levels of each factor that ``rule`` keeps by their value of ``on``.

    Args:
        rule: ``mean`` keeps levels at or below the factor's mean (the horizontal line in Fig. 3); ``sure`` (of fit)
            drops only those that are above it beyond doubt (see :attr:`closerlook.analysis.Gap.levels`); ``top:3``
            keeps the three lowest; ``below:0.5`` those below that value. The lowest level is always kept.
            ``paper:market`` and ``paper:duke`` keep what the paper kept, whatever the gap.
        keep: names of factors of which all levels are taken.

    Raises:
        CloserlookError: a factor has no level with a value (fit needs two images).
    """
    if rule == "sure" and on != "fit":
        raise UsageError("Rule 'sure' rests on the intervals of fit; use it with on='fit'.")
    if rule.startswith("paper:"):
        return _papers(gap, rule.removeprefix("paper:"))
    chosen: dict[str, tuple[Level, ...]] = {}
    for factor in gap.factors:
        if factor.name in keep:
            chosen[factor.name] = factor.levels
            continue
        own = gap.estimates.filter(pl.col("factor") == factor.name)
        values = own[on].cast(pl.Float64).fill_null(np.nan).to_numpy()
        if np.isnan(values).all():
            raise CloserlookError(
                f"No level of {factor.name} has a {on}: each has a single image; analyse more images."
            )
        if rule == "sure":
            keep = (gap.levels.filter(pl.col("factor") == factor.name)["side"] != "above").to_numpy()
        else:
            keep = _kept(values, rule)
        chosen[factor.name] = tuple(level for level, kept in zip(factor.levels, keep, strict=True) if kept)
    return chosen


def _papers(gap: Gap, target: str) -> Values:
    """The paper's own levels; an attribute that it does not have keeps all."""
    if target not in PAPER:
        raise unknown("target of the paper", target, PAPER)
    chosen = {}
    for factor in gap.factors:
        wanted = PAPER[target].get(factor.name, factor.levels)
        chosen[factor.name] = tuple(level for level in factor.levels if level in wanted)
        if not chosen[factor.name]:
            names = ", ".join(map(str, wanted))
            raise CloserlookError(f"The source has none of the paper's levels of {factor.name} ({names}).")
    return chosen


def within_budget(gap: Gap, values: Values, budget: int, *, on: str = "fit", keep: Collection[str] = ()) -> Values:
    """Drop levels, the one with the highest value of ``on`` first, until at most ``budget`` images are left.

    Raises:
        CloserlookError: one level of each factor is already more, or of each that is not in ``keep``.
    """
    height = {(row["factor"], row["level"]): row[on] for row in gap.estimates.iter_rows(named=True)}
    while gap.count_images(values) > budget:
        droppable = [
            (name, level) for name, levels in values.items() if len(levels) > 1 and name not in keep for level in levels
        ]
        if not droppable:
            raise CloserlookError(
                f"The smallest choice has {gap.count_images(values):,} images, more than the budget of {budget:,}."
            )
        name, worst = max(droppable, key=lambda item: height[item[0], str(item[1])] or -np.inf)
        values = {**values, name: tuple(level for level in values[name] if level != worst)}
    return values


def _kept(values: np.ndarray[tuple[int], np.dtype[np.float64]], rule: str) -> np.ndarray[tuple[int], np.dtype[np.bool]]:
    lowest = values == np.nanmin(values)
    if rule == "mean":
        return np.asarray((values <= mean_of_known(values, 0)) | lowest)
    if match := re.fullmatch(r"top:([1-9][0-9]*)", rule):
        order = np.argsort(values, kind="stable")  # nan sorts last
        keep = np.zeros(len(values), bool)
        keep[order[: int(match[1])]] = True
        return np.asarray(keep & ~np.isnan(values))
    if match := re.fullmatch(r"below:([-+0-9.e]+)", rule):
        try:
            return np.asarray((values < float(match[1])) | lowest)
        except ValueError:
            pass
    raise UsageError(
        f"Unknown rule '{rule}'. Known: mean, sure, top:NUMBER (as top:3), below:VALUE (as below:0.5), paper:market, "
        "paper:duke."
    )
