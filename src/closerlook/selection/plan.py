"""A plan: which subset of a data set to train on, and where that choice comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, ValidationError, model_validator

from closerlook.arrays import Int
from closerlook.attributes import Level
from closerlook.choices import Criterion, Method
from closerlook.compute.progress import console
from closerlook.dataset.binning import as_levels
from closerlook.errors import CloserlookError
from closerlook.escaping import html_table
from closerlook.gap import Gap
from closerlook.randomness import name_hash
from closerlook.selection.drawing import draw_like
from closerlook.selection.rules import parse_rule
from closerlook.storage.documents import first_problem, read_yaml
from closerlook.storage.files import atomic_path

__all__ = ["CellWeight", "Plan", "Provenance", "cell_weights"]

OneLevel = StrictStr | StrictInt | StrictFloat  # of a file's fields: `yes` is no level
Person = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # as a table holds them
ROUNDED = 0.01  # weights written by hand add up to 1 with so much error


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Provenance(_Value):
    """How a plan came about.

    Attributes:
        method, criterion, rule, all_levels, budget, diversity, min_effective_cells, caps: what
            :func:`closerlook.select` was asked for.
        source, target, embedding, scaling: the gap that it was chosen on.
        scores: images analyzed, total_loss, mmd2 and diversity of the chosen subset.
        scores_of_all: the same of all data.
        evidence: how much nearer to the target it is than a random subset; see :mod:`closerlook.selection.evidence`.
        stability: how often each level is chosen when half of the people and of the target are drawn at random.
        optimum: how far the choice is at most from the best one; of ``exhaustive`` and ``weights``.
        notes: what to know before trusting it, in words.
    """

    method: Method
    criterion: Criterion
    rule: str
    all_levels: tuple[str, ...] = ()
    budget: int | None = None
    diversity: float = 0.0
    min_effective_cells: float | None = None
    caps: dict[str, float] = Field(default_factory=dict)
    source: str
    target: str
    embedding: str
    scaling: str
    scores: dict[str, float | None] = Field(default_factory=dict)
    scores_of_all: dict[str, float | None] = Field(default_factory=dict)
    evidence: dict[str, float | None] = Field(default_factory=dict)
    stability: dict[str, dict[str, float]] = Field(default_factory=dict)
    optimum: dict[str, float] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_rule(self) -> Self:
        try:
            parse_rule(self.rule)
        except CloserlookError as error:
            raise ValueError(str(error)) from None
        return self


class CellWeight(_Value):
    """One combination of levels and its share of the images to train on."""

    levels: Annotated[dict[str, OneLevel], Field(min_length=1)]
    weight: float = Field(gt=0, le=1)


class Plan(_Value):
    """A product subset, or a distribution over combinations of levels; of all people or of some.

    Attributes:
        values: the chosen levels of each attribute; an attribute that is not named keeps all.
        images: how many images of the source that is.
        share: of all its images, between 0 and 1.
        counts: images of each chosen level in the source.
        weights: where there are any, a ``share`` of a table's images is drawn from these combinations in these shares.
        identities: the people to keep; all of them where there are none.
        seed: which images a weighted plan or a control draws.
        control: ``random`` for the control of a plan: as many images of as many people, but any.
        provenance: how it came about; None for a plan written by hand.

    Example:
        >>> plan.save("plan.yaml")
        >>> cl.Plan.load("plan.yaml") == plan
        True
    """

    values: dict[str, Annotated[tuple[OneLevel, ...], Field(min_length=1)]]
    images: int = Field(ge=0)
    share: float = Field(ge=0, le=1)
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    weights: tuple[CellWeight, ...] = ()
    identities: tuple[Person, ...] = ()
    seed: int = 0
    control: Literal["random"] | None = None
    provenance: Provenance | None = None

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        if not self.weights:
            return self
        cells = [tuple(sorted((name, str(level)) for name, level in cell.levels.items())) for cell in self.weights]
        if len({tuple(name for name, _ in cell) for cell in cells}) > 1:
            raise ValueError("the weights name different attributes")
        if len(set(cells)) < len(cells):
            again = next(cell for cell in cells if cells.count(cell) > 1)
            raise ValueError(f"{', '.join(level for _, level in again)} has two weights")
        total = sum(cell.weight for cell in self.weights)
        if abs(total - 1) > ROUNDED:
            raise ValueError(f"the weights add up to {total:g}, not to 1")
        return self

    def __repr__(self) -> str:
        people = f" of {len(self.identities):,} people" if self.identities else ""
        parts = [f"{self.images:,} images ({self.share:.1%}){people}"]
        parts += [f"{name} {', '.join(map(str, levels))}" for name, levels in self.values.items()]
        parts += [f"{len(self.weights):,} weighted combinations"] if self.weights else []
        return f"Plan({'; '.join(parts)})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"images": f"{self.images:,} ({self.share:.1%})"}
        if self.identities:
            rows["identities"] = f"{len(self.identities):,}"
        rows |= {name: ", ".join(map(str, levels)) for name, levels in self.values.items()}
        if self.weights:
            rows["combinations"] = f"{len(self.weights):,}, weighted"
        if self.provenance is not None:
            rows |= {"chosen by": f"{self.provenance.method}, {self.provenance.criterion}, {self.provenance.rule}"}
        return html_table("Plan", rows)

    def rows(self, table: pl.DataFrame) -> Int:
        """Indices into ``table`` of the images to keep, ascending.

        A weighted plan draws from each combination by a hash of the seed and the file name; of another table than the
        source's (one that is yet to be rendered) it draws the same share. It says so where a combination has too few
        images, or a level none.

        Raises:
            CloserlookError: the table lacks an attribute of the plan, or no image is left.
        """
        chosen = self._weighted_rows(table) if self.weights else np.flatnonzero(_matching(table, self.values))
        if self.identities:
            chosen = chosen[np.isin(_identities(table)[chosen], self.identities)]
        if not len(chosen):
            raise CloserlookError(f"No image has the levels of the plan: {_in_words(self.values, self.identities)}.")
        return draw_like(_identities(table), chosen, self.seed) if self.control == "random" else chosen

    def random_control(self, seed: int) -> Plan:
        """The plan that draws as many images of as many people at random: what this one must be better than."""
        return self.model_copy(update={"control": "random", "seed": seed})

    def _weighted_rows(self, table: pl.DataFrame) -> Int:
        names = sorted({name for cell in self.weights for name in cell.levels})
        _check_columns(table, names)
        levels = {name: [cell.levels[name] for cell in self.weights] for name in names}
        columns = [as_levels(table[name], list(dict.fromkeys(levels[name]))) for name in names]
        keys = pl.select(pl.concat_str(columns, separator="\x1f")).to_series()
        rows: dict[str, list[int]] = {}
        for row, key in enumerate(keys.fill_null("")):
            rows.setdefault(key, []).append(row)
        files = table["file_name"]
        drawn: list[int] = []
        quotas = _whole_numbers([cell.weight * self.share * table.height for cell in self.weights])
        for cell, quota in zip(self.weights, quotas, strict=True):
            available = rows.get("\x1f".join(str(cell.levels[name]) for name in names), [])
            drawn += sorted(available, key=lambda row: name_hash(self.seed, files[row]))[:quota]
        if missing := sum(quotas) - len(drawn):
            console.print(
                f"{missing:,} of the {sum(quotas):,} images that the plan asks for are not there; fewer are taken."
            )
        return np.sort(np.array(drawn, np.int64))

    def save(self, path: str | Path) -> None:
        """Write the plan as YAML."""
        value = self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        with atomic_path(path) as draft:
            draft.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan from YAML.

        Raises:
            CloserlookError: there is no such file, or it is not a plan.
        """
        path = Path(path)
        try:
            return cls.model_validate(read_yaml(path))
        except ValidationError as error:
            raise CloserlookError(f"{path} is not a plan: {first_problem(error)}.") from None


def cell_weights(gap: Gap, shares: NDArray[np.float64]) -> tuple[CellWeight, ...]:
    """The share of all images that each cell gives, where ``shares`` (cells,) of each cell's images are taken."""
    images = shares * gap.images_per_cell
    weights = images / images.sum()
    return tuple(
        CellWeight(
            levels={f.name: f.levels[number] for f, number in zip(gap.factors, cell, strict=True)}, weight=float(weight)
        )
        for cell, weight in zip(gap.cell_levels, weights, strict=True)
        if weight > 0
    )


def _check_columns(table: pl.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.columns:
            raise CloserlookError(f"The plan chooses by '{name}', which the table does not have as a column.")


def _matching(table: pl.DataFrame, values: Mapping[str, tuple[Level, ...]]) -> NDArray[np.bool]:
    _check_columns(table, list(values))
    kept = np.ones(table.height, bool)
    for name, levels in values.items():
        wanted = [str(level) for level in levels]
        column = as_levels(table[name], levels)
        if absent := set(wanted).difference(column.unique()):
            console.print(f"No image has {name} {', '.join(sorted(absent))}, which the plan asks for.")
        kept &= column.is_in(wanted).fill_null(False).to_numpy()
    return kept


def _whole_numbers(amounts: Sequence[float]) -> list[int]:
    """Rounded so that the sum is the rounded sum: the largest remainders are rounded up."""
    exact = np.asarray(amounts)
    whole = np.floor(exact + 1e-9).astype(int)
    rest = round(float(exact.sum())) - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:rest]] += 1
    return [int(number) for number in whole]


def _identities(table: pl.DataFrame) -> Int:
    column = table["identity"]
    if column.null_count():
        raise CloserlookError(f"The plan counts people, but {column.null_count():,} images have no identity.")
    return column.to_numpy()


def _in_words(values: Mapping[str, tuple[Level, ...]], identities: Sequence[int]) -> str:
    parts = [f"{name} {', '.join(map(str, levels))}" for name, levels in values.items()]
    return "; ".join([*parts, *([f"{len(identities)} people"] if identities else [])])
