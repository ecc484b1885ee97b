"""How much of a planted truth an analysis and a plan found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from closerlook.analysis import Gap
from closerlook.attributes import Level
from closerlook.selection import Plan

__all__ = ["Recovery", "recovery"]


@dataclass(frozen=True)
class Recovery:
    """How well a plan's levels of one factor agree with the planted ones.

    Attributes:
        planted, chosen: the levels.
        lowest: the levels with the smallest gap, as many as were planted.
    """

    factor: str
    planted: tuple[Level, ...]
    chosen: tuple[Level, ...]
    lowest: tuple[Level, ...]

    @property
    def recall(self) -> float:
        """Share of the planted levels that were chosen."""
        return len(set(self.planted) & set(self.chosen)) / len(self.planted)

    @property
    def precision(self) -> float:
        """Share of the chosen levels that were planted."""
        return len(set(self.planted) & set(self.chosen)) / len(self.chosen)

    @property
    def lowest_hits(self) -> int:
        """How many of the planted levels are among the ``lowest``."""
        return len(set(self.planted) & set(self.lowest))


def recovery(gap: Gap, plan: Plan, planted: Mapping[str, tuple[Level, ...]]) -> list[Recovery]:
    """How much of the planted truth the analysis and the plan found, a row a factor."""
    found = []
    for name, levels in planted.items():
        ranked = gap.levels.filter(pl.col("factor") == name).sort("fit")["level"].to_list()
        natural = {str(level): level for level in plan.values[name]} | {str(level): level for level in levels}
        lowest = tuple(natural.get(str(level), level) for level in ranked[: len(levels)])
        found.append(Recovery(name, levels, tuple(plan.values[name]), lowest))
    return found
