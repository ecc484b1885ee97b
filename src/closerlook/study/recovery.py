"""How much of a planted target an analysis and its plans found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from closerlook.attributes import Level
from closerlook.errors import CloserlookError
from closerlook.gap import Gap
from closerlook.selection import Plan

__all__ = ["Recovery", "recovery"]


@dataclass(frozen=True)
class Recovery:
    """What was found of the planted levels of one factor.

    Attributes:
        factor: its name.
        levels: all of its levels in the source.
        planted: those that the target shows.
        lowest: those with the smallest gap, nearest first, as many as were planted.
        shown: those with the largest ``mixture_weight``, as many as were planted.
        chosen: those that each plan keeps, by the plan's name.
    """

    factor: str
    levels: tuple[Level, ...]
    planted: tuple[Level, ...]
    lowest: tuple[Level, ...]
    shown: tuple[Level, ...]
    chosen: Mapping[str, tuple[Level, ...]]

    @property
    def lowest_hits(self) -> int:
        """How many of the planted levels are among the ``lowest``."""
        return len(set(self.planted) & set(self.lowest))

    @property
    def shown_hits(self) -> int:
        """How many of the planted levels are among the ``shown``."""
        return len(set(self.planted) & set(self.shown))

    def kept(self, plan: str) -> int:
        """How many of the planted levels a plan keeps."""
        return len(set(self.planted) & set(self.chosen[plan]))

    def dropped(self, plan: str) -> int:
        """How many of the other levels a plan drops."""
        return len(set(self.levels) - set(self.planted) - set(self.chosen[plan]))


def recovery(gap: Gap, plans: Mapping[str, Plan], planted: Mapping[str, tuple[Level, ...]]) -> list[Recovery]:
    """How much of the planted target the analysis and the plans found, one row per factor.

    Raises:
        CloserlookError: the target was planted in a factor that the analysis does not have.
    """
    names = [factor.name for factor in gap.factors]
    for name in planted:
        if name not in names:
            raise CloserlookError(f"The study planted levels of '{name}'; its analysis has {', '.join(names)}.")
    return [_recovered(gap, plans, name, levels) for name, levels in planted.items()]


def _recovered(gap: Gap, plans: Mapping[str, Plan], name: str, planted: tuple[Level, ...]) -> Recovery:
    factor = next(factor for factor in gap.factors if factor.name == name)
    table = gap.levels.filter(pl.col("factor") == name)
    nearest = table.sort("mmd2", nulls_last=True)["level"].head(len(planted))
    largest = table.drop_nulls("mixture_weight").sort("mixture_weight", descending=True)["level"].head(len(planted))
    lowest, shown = (tuple(factor.levels[factor.index(level)] for level in levels) for levels in (nearest, largest))
    chosen = {plan: tuple(value.values.get(name, factor.levels)) for plan, value in plans.items()}
    return Recovery(name, factor.levels, planted, lowest, shown, chosen)
