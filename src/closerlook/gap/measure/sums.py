"""Sums over units and levels that are added up where they lie: a pass takes no more memory the longer it is."""

from __future__ import annotations

import torch
from torch import Tensor

from closerlook.arrays import Int
from closerlook.gap.measure.moments import Sketch

__all__ = ["ExactSums", "ProjectedSums", "UnitSums"]


class ExactSums:
    """The vectors of a piece's units, each summed up exactly.

    Args:
        capacity: the most units of a piece.
        dim: of the vectors.
    """

    def __init__(self, capacity: int, dim: int, device: torch.device) -> None:
        self._memory = torch.empty(capacity, dim, device=device)
        self._first, self._end = 0, 0

    def begin(self, first: int) -> None:
        """Start a piece at the unit ``first``."""
        self._first = self._end = first

    def add(self, unit: int, vector: Tensor) -> None:
        """Add ``vector`` (d,) to a unit; units come in order, a unit in any number of parts."""
        if unit < self._end:
            self._memory[unit - self._first] += vector
        else:
            self._memory[unit - self._first] = vector
            self._end = unit + 1

    def totals(self) -> dict[str, Tensor]:
        """The piece's sums; they lie in memory that the next piece overwrites."""
        return {"units": self._memory[: self._end - self._first]}


class ProjectedSums:
    """Projections of the units' sums, and exact sums over levels.

    A unit that is complete is projected and added to its cell, a cell that is complete to its levels: only two
    vectors per unit and one per level are touched.

    Args:
        capacity: the most units of a piece.
        cell: (units,) the cell of each; a cell's units follow one another.
        levels: (units, factors) the level numbers of each unit's cell.
    """

    def __init__(self, capacity: int, cell: Int, levels: Int, sketch: Sketch, dim: int, device: torch.device) -> None:
        self._cell, self._levels, self._sketch = cell, levels, sketch
        self._units = torch.empty(capacity, sketch.dim, device=device)
        self._level_sums = torch.empty(int(levels.max()) + 1, dim, device=device)
        self._unit_sum, self._cell_sum = torch.empty(2, dim, device=device)
        self._first, self._end = 0, 0
        self._present: list[int] = []

    def begin(self, first: int) -> None:
        """Start a piece at the unit ``first``."""
        self._first = self._end = first
        self._present = []

    def add(self, unit: int, vector: Tensor) -> None:
        """Add ``vector`` (d,) to a unit; units come in order, a unit in any number of parts."""
        if unit < self._end:
            self._unit_sum += vector
            return
        self._complete_unit(next_cell=int(self._cell[unit]))
        self._unit_sum.copy_(vector)
        self._end = unit + 1

    def totals(self) -> dict[str, Tensor]:
        """The piece's sums; they lie in memory that the next piece overwrites."""
        self._complete_unit(next_cell=-1)
        count = len(self._present)
        return {
            "units": self._units[: self._end - self._first],
            "levels": torch.tensor(self._present),
            "level_sums": self._level_sums[:count],
        }

    def _complete_unit(self, next_cell: int) -> None:
        """Project the unit that was added to, and add its cell to its levels where another cell follows."""
        if self._end == self._first:
            return
        unit = self._end - 1
        self._units[unit - self._first] = self._sketch(self._unit_sum[None])[0]
        begins = unit == self._first or self._cell[unit - 1] != self._cell[unit]
        if begins:
            self._cell_sum.copy_(self._unit_sum)
        else:
            self._cell_sum += self._unit_sum
        if next_cell != self._cell[unit]:
            for level in self._levels[unit].tolist():
                self._add_level(level)

    def _add_level(self, level: int) -> None:
        if level in self._present:
            self._level_sums[self._present.index(level)] += self._cell_sum
        else:
            self._level_sums[len(self._present)] = self._cell_sum
            self._present.append(level)


UnitSums = ExactSums | ProjectedSums
