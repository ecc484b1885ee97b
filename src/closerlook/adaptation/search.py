"""Two ways to look for the nearest point of a box, a batch at a time; both are pure functions of what they were told.

*Coordinate descent* is attribute descent (Yao et al., "Simulating content consistent vehicle datasets with attribute
descent", ECCV 2020) for continuous values: one parameter after another is tried over a grid while the others stay at
the best found. *CMA-ES* (Hansen and Ostermeier, 2001; the package ``cmaes``) moves all of them together.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from closerlook.errors import unknown
from closerlook.randomness import keyed_seed

__all__ = ["SEARCHES", "CoordinateDescent", "Evolution", "Search", "check_search", "open_search"]

Point = NDArray[np.float64]
SEARCHES = ("descent", "cma")
GRID = 4


class Search(Protocol):
    """Points of the unit cube to try next, and what they turned out to be worth (lower is better).

    Attributes:
        round: how many points make a round, after which the gain is judged.
    """

    round: int

    def ask(self) -> list[Point]: ...

    def tell(self, points: list[Point], values: list[float]) -> None: ...


def check_search(name: str) -> None:
    """See that there is a search of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in SEARCHES:
        raise unknown("optimizer", name, SEARCHES)


def open_search(name: str, start: Point, seed: int) -> Search:
    """``descent`` or ``cma``, from a point of the unit cube.

    Raises:
        UsageError: an unknown name.
    """
    check_search(name)
    return CoordinateDescent(start) if name == "descent" else Evolution(start, seed)


class CoordinateDescent:
    """Each coordinate in turn on a grid over its reach; the reach is halved after every pass over all of them."""

    def __init__(self, start: Point) -> None:
        self._best, self._value = start.copy(), np.inf
        self._coordinate, self._reach = 0, 1.0
        self.round = GRID * len(start)

    def ask(self) -> list[Point]:
        here = self._best[self._coordinate]
        low = max(0.0, here - self._reach / 2)
        high = min(1.0, low + self._reach)
        points = []
        for value in np.linspace(max(0.0, high - self._reach), high, GRID):
            point = self._best.copy()
            point[self._coordinate] = value
            points.append(point)
        return points

    def tell(self, points: list[Point], values: list[float]) -> None:
        best = int(np.argmin(values))
        if values[best] < self._value:
            self._best, self._value = points[best].copy(), values[best]
        self._coordinate += 1
        if self._coordinate == len(self._best):
            self._coordinate, self._reach = 0, self._reach / 2


class Evolution:
    """CMA-ES inside the cube; a round has as many points as one of coordinate descent."""

    def __init__(self, start: Point, seed: int) -> None:
        size = len(start)
        self.round = GRID * size
        self._cma = CMA(
            mean=np.clip(start, 0.05, 0.95),
            sigma=0.25,
            bounds=np.tile([0.0, 1.0], (size, 1)),
            seed=keyed_seed(seed, "cma") % 2**32,
            population_size=max(GRID, 4 + int(3 * np.log(size))),
        )

    def ask(self) -> list[Point]:
        return [self._cma.ask() for _ in range(self._cma.population_size)]

    def tell(self, points: list[Point], values: list[float]) -> None:
        self._cma.tell(list(zip(points, values, strict=True)))
