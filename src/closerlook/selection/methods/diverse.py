"""The most diverse product subset, wherever the target is: what selecting by distance must at least be better than."""

from __future__ import annotations

from closerlook.gap import Gap
from closerlook.selection.methods import greedy
from closerlook.selection.methods.asked import Asked, Choice
from closerlook.selection.methods.exhaustive import exhaustive

__all__ = ["choose"]


def choose(gap: Gap, asked: Asked) -> Choice:
    """Of the product subsets with at least the greedy choice's images, the one with the largest trace of covariance."""
    least = gap.count_images(greedy.levels(gap, asked))
    best = exhaustive(gap, criterion="diversity", budget=asked.budget, least=least, all_levels=asked.all_levels)[0]
    return Choice(best.values, gap.cells_of(best.values).astype(float), optimum={"diversity": -best.score})
