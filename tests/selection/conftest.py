"""A gap without images: random vectors whose moments are computed here, the plain way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest

from closerlook.attributes import Factor
from closerlook.embedding import Block
from closerlook.gap import Gap, Measurement, Settings
from closerlook.selection.choose import SPLITS

DIM = 20
GROUPS = 12  # of people, each one person
COPIES = 10  # of every analyzed image there are ten in the source


@contextmanager
def repeated(number: int) -> Iterator[None]:
    """How often a choice is repeated is not what most tests are about, and takes most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        for method in SPLITS:
            patch.setitem(SPLITS, method, number)
        yield


def unbiased_products(x: np.ndarray, cell: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean <x_i, x_j> over images i of a and j of c of different groups, and the rule where there are none."""
    member = (cell[:, None] == np.arange(cell.max() + 1)).astype(float)
    apart = member.T @ (group[:, None] != group) @ member  # how many such pairs there are
    number = member.sum(axis=0)
    measured = member.T @ (x @ x.T) @ member / np.outer(number, number)
    with np.errstate(invalid="ignore"):
        found = member.T @ ((x @ x.T) * (group[:, None] != group)) @ member / apart
    known = ~np.isnan(np.diag(found))
    if known.any():
        spread = np.mean((np.diag(measured) - np.diag(found))[known] * number[known])
    else:
        shares = number / number.sum()
        spread = np.diag(measured) @ shares - shares @ measured @ shares
    lone = np.isnan(found)
    found[lone] = (measured - spread * np.eye(len(number)))[lone]
    return found


def variance_of_mean(x: np.ndarray, group: np.ndarray) -> float:
    """Of a sample with mean zero: minus the mean product of members of different groups."""
    apart = group[:, None] != group[None]
    return float(-(x @ x.T)[apart].mean())


class Made:
    """A gap with the vectors that it was made from."""

    def __init__(self, shape: tuple[int, ...], seed: int, per_cell: int = 3, missing: float = 0.0) -> None:
        rng = np.random.default_rng(seed)
        self.factors = tuple(Factor(f"f{axis}", tuple(f"l{i}" for i in range(k))) for axis, k in enumerate(shape))
        cells = np.array(list(np.ndindex(*shape)))
        cells = cells[rng.permutation(len(cells))[: max(2, round(len(cells) * (1 - missing)))]]
        cells = cells[np.lexsort(cells.T[::-1])]
        counts = rng.integers(1, per_cell + 1, len(cells)) if missing else np.full(len(cells), per_cell)
        effects = [rng.normal(size=(k, DIM)) / 2 for k in shape]
        means = (
            sum(effect[cells[:, axis]] for axis, effect in enumerate(effects)) + rng.normal(size=(len(cells), DIM)) / 3
        )
        self.cell = np.repeat(np.arange(len(cells)), counts)
        self.cells = cells
        self.source = means[self.cell] + rng.normal(size=(len(self.cell), DIM))
        self.target = rng.normal(size=(40, DIM)) + 0.3
        self.gap = Gap(self.remeasure(), self._settings())

    def _settings(self) -> Settings:
        return Settings(
            source="source",
            target="target",
            source_images=len(self.source) * COPIES,
            target_images=len(self.target),
            embedding="made",
            size=(1, 1),
            scaling="balanced",
            alpha=0.9,
            beta=1.0,
            per_cell=None,
            seed=0,
            notes=(),
        )

    def remeasure(self) -> Measurement:
        """The moments of ``source`` and ``target`` as they are now."""
        counts = np.bincount(self.cell)
        center = self.target.mean(axis=0)
        source, target = self.source - center, self.target - center
        cell_means = np.stack([source[self.cell == number].mean(axis=0) for number in range(len(self.cells))])
        group, target_group = np.arange(len(source)) % GROUPS, np.arange(len(target)) * 8 // len(target)
        units, unit = np.unique(np.stack([self.cell, group], axis=1), axis=0, return_inverse=True)
        levels = [
            source[self.cells[self.cell, axis] == number].mean(axis=0)
            if (self.cells[:, axis] == number).any()
            else center * 0
            for axis, factor in enumerate(self.factors)
            for number in range(len(factor))
        ]
        offsets = np.stack([target[target_group == number].mean(axis=0) for number in range(8)])
        columns = {
            factor.name: [factor.levels[number] for number in self.cells[self.cell, axis]]
            for axis, factor in enumerate(self.factors)
        }
        rows = np.arange(len(source))
        names = [f"{row}.png" for row in rows]
        images = pl.DataFrame({"file_name": names, "identity": rows % GROUPS, **columns, "row": rows})
        return Measurement(
            blocks=(Block("feature", "feature", DIM),),
            factors=self.factors,
            cell_levels=self.cells,
            cell_images=counts * COPIES,
            images=images.with_columns(cell=pl.Series(self.cell), group=pl.Series(group)),
            distances=(source**2).sum(axis=1, keepdims=True),
            cell_products=(cell_means @ cell_means.T)[None],
            unbiased_cell_products=unbiased_products(source, self.cell, group)[None],
            level_gaps=(np.stack(levels) ** 2).sum(axis=1)[None],
            level_target_dots=(np.stack(levels) @ offsets.T)[None],
            target_counts=np.bincount(target_group),
            target_bias=np.array([variance_of_mean(target, target_group)]),
            target_distances=np.bincount(target_group, (target**2).sum(axis=1)).astype(float)[:, None],
            units=units,
            unit_counts=np.bincount(unit),
            unit_sketches=np.stack([source[unit == u].mean(axis=0) for u in range(len(units))]).astype(np.float32),
            target_sketches=offsets.astype(np.float32),
            sketch_parts=(slice(0, DIM),),
            exact=True,
        )


@pytest.fixture(scope="session")
def make() -> Callable[..., Made]:
    return Made
