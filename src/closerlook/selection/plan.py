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
from closerlook.dataset.dataset import SAMPLING_WEIGHT
from closerlook.dataset.shards import as_files
from closerlook.errors import CloserlookError
from closerlook.escaping import html_table
from closerlook.gap import Gap
from closerlook.randomness import name_hash
from closerlook.selection.drawing import draw_like, scenes_of, whole_numbers
from closerlook.selection.rules import parse_rule
from closerlook.storage.documents import first_problem, read_yaml
from closerlook.storage.files import atomic_path
from closerlook.storage.keys import digest
from closerlook.storage.tables import read_parquet, write_parquet

__all__ = ["CellWeight", "Plan", "PredictedGain", "Provenance", "cell_weights"]

OneLevel = StrictStr | StrictInt | StrictFloat  # of a file's fields: `yes` is no level
Person = Annotated[int, Field(ge=-(2**63), lt=2**63)]  # as a table holds them
ROUNDED = 0.01  # weights written by hand add up to 1 with so much error
JOINED = "\x1f"
FILE = "closerlook_file"  # of a table, for a moment: an image's name outside of its shard
IMAGES, SINGLE = "single_images", ("files", "file_weights")  # in a file, and in memory


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


class PredictedGain(_Value):
    """What a plan may gain over as many random images, before any training of its own.

    Attributes:
        mean, low, high: in mAP, shares of 1, with a 95 % interval.
        basis: what training runs it rests on, in words.
    """

    mean: float
    low: float
    high: float
    basis: str


class CellWeight(_Value):
    """One combination of levels and its share of the images to train on."""

    levels: Annotated[dict[str, OneLevel], Field(min_length=1)]
    weight: float = Field(gt=0, le=1)


class Plan(_Value):
    """A product subset, single images, or a distribution over combinations of levels; of all people or of some.

    Attributes:
        values: the chosen levels of each attribute; an attribute that is not named keeps all.
        images: how many images of the source that is.
        share: of all its images, between 0 and 1.
        counts: images of each chosen level in the source.
        weights: where there are any, what the combinations' shares are.
        weighted: what they are shares of. ``images``: a ``share`` of a table's images is drawn, each once. ``batches``:
            all images of these combinations stay, and training draws a person's images in these shares, by the column
            ``sampling_weight`` that :meth:`apply` adds.
        files: where there are any, the single images to keep. :meth:`save` writes them to a table beside the plan.
        file_weights: how often each of ``files`` is to be drawn in training, if not alike.
        identities: the people to keep; all of them where there are none.
        seed: which images a weighted plan or a control draws.
        control: ``random`` for the control of a plan: as many images of as many people, but any.
        provenance: how it came about; None for a plan written by hand.
        predicted_gain: see :func:`closerlook.validation.predict_gain`.

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
    weighted: Literal["images", "batches"] = "images"
    files: tuple[str, ...] = ()
    file_weights: tuple[Annotated[float, Field(gt=0)], ...] = ()
    identities: tuple[Person, ...] = ()
    seed: int = 0
    control: Literal["random"] | None = None
    provenance: Provenance | None = None
    predicted_gain: PredictedGain | None = None

    @model_validator(mode="after")
    def _check_files(self) -> Self:
        if len(set(self.files)) < len(self.files):
            raise ValueError("an image is named twice")
        if self.file_weights and len(self.file_weights) != len(self.files):
            raise ValueError(f"{len(self.files):,} images have {len(self.file_weights):,} weights")
        if self.files and self.weights:
            raise ValueError("it names single images and weighs combinations of levels; a plan does one of them")
        return self

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
        parts += [f"{len(self.files):,} single images"] if self.files else []
        return f"Plan({'; '.join(parts)})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        rows: dict[str, object] = {"images": f"{self.images:,} ({self.share:.1%})"}
        if self.identities:
            rows["identities"] = f"{len(self.identities):,}"
        rows |= {name: ", ".join(map(str, levels)) for name, levels in self.values.items()}
        if self.weights:
            rows["combinations"] = f"{len(self.weights):,}, weighted"
        if self.file_weights or (self.weights and self.weighted == "batches"):
            rows["weights"] = "of batches: training draws by them"
        if self.provenance is not None:
            rows |= {"chosen by": f"{self.provenance.method}, {self.provenance.criterion}, {self.provenance.rule}"}
        return html_table("Plan", rows)

    def apply(self, table: pl.DataFrame) -> pl.DataFrame:
        """The rows of ``table`` to keep, and where training is to draw by weight how often, as ``sampling_weight``.

        Raises:
            CloserlookError: as :meth:`rows` does.
        """
        kept = table[self.rows(table)]
        if self.control is not None:
            return kept
        if self.file_weights:
            weights = pl.DataFrame({FILE: self._files(), SAMPLING_WEIGHT: self.file_weights})
            named = kept.drop(SAMPLING_WEIGHT, strict=False).with_columns(as_files(kept["file_name"]).alias(FILE))
            return named.join(weights, on=FILE, how="left", maintain_order="left").drop(FILE)
        if self.weights and self.weighted == "batches":
            keys, weight = self._cells(kept), {key: cell.weight for key, cell in self._by_key().items()}
            own = keys.replace_strict(weight, return_dtype=pl.Float64)
            number = keys.to_frame("cell").select(pl.len().over("cell")).to_series()
            share = own / number
            return kept.with_columns((share / share.mean()).alias(SAMPLING_WEIGHT))
        return kept

    def rows(self, table: pl.DataFrame) -> Int:
        """Indices into ``table`` of the images to keep, ascending.

        A plan whose weights are of images draws from each combination by a hash of the seed and the file name; of
        another table than the source's (one that is yet to be rendered) it draws the same share. It says so where a
        combination has too few images, or a level or a named image is not there.

        Raises:
            CloserlookError: the table lacks an attribute of the plan, or no image is left.
        """
        if self.files:
            chosen = self._file_rows(table)
        elif not self.weights:
            chosen = np.flatnonzero(_matching(table, self.values))
        elif self.weighted == "batches":
            chosen = np.flatnonzero(self._cells(table).is_in(list(self._by_key())).to_numpy())
        else:
            chosen = self._drawn_rows(table)
        if self.identities:
            chosen = chosen[np.isin(_identities(table)[chosen], self.identities)]
        if not len(chosen):
            raise CloserlookError(f"No image has the levels of the plan: {_in_words(self.values, self.identities)}.")
        if self.control is None:
            return chosen
        return draw_like(_identities(table), scenes_of(table), chosen, self.seed)

    def random_control(self, seed: int) -> Plan:
        """The plan that draws as many images, people and scenes at random, and batches evenly: what this one must be
        better than."""
        return self.model_copy(update={"control": "random", "seed": seed})

    def _file_rows(self, table: pl.DataFrame) -> Int:
        chosen = np.flatnonzero(as_files(table["file_name"]).is_in(self._files().implode()).to_numpy())
        if missing := len(self.files) - len(chosen):
            console.print(f"{missing:,} of the {len(self.files):,} images that the plan names are not there.")
        return chosen

    def _files(self) -> pl.Series:
        return as_files(pl.Series(self.files, dtype=pl.String))

    def _by_key(self) -> dict[str, CellWeight]:
        names = self._weighted_names()
        return {JOINED.join(str(cell.levels[name]) for name in names): cell for cell in self.weights}

    def _weighted_names(self) -> list[str]:
        return sorted({name for cell in self.weights for name in cell.levels})

    def _cells(self, table: pl.DataFrame) -> pl.Series:
        """The combination of levels of each row, as the keys of :meth:`_by_key`."""
        names = self._weighted_names()
        _check_columns(table, names)
        levels = {name: list(dict.fromkeys(cell.levels[name] for cell in self.weights)) for name in names}
        columns = [as_levels(table[name], levels[name]) for name in names]
        return pl.select(pl.concat_str(columns, separator=JOINED)).to_series().fill_null("")

    def _drawn_rows(self, table: pl.DataFrame) -> Int:
        rows: dict[str, list[int]] = {}
        for row, key in enumerate(self._cells(table)):
            rows.setdefault(key, []).append(row)
        files = as_files(table["file_name"])
        drawn: list[int] = []
        quotas = whole_numbers([cell.weight * self.share * table.height for cell in self.weights])
        for key, quota in zip(self._by_key(), quotas, strict=True):
            drawn += sorted(rows.get(key, []), key=lambda row: name_hash(self.seed, files[row]))[:quota]
        if missing := sum(quotas) - len(drawn):
            console.print(
                f"{missing:,} of the {sum(quotas):,} images that the plan asks for are not there; fewer are taken."
            )
        return np.sort(np.array(drawn, np.int64))

    def save(self, path: str | Path) -> None:
        """Write the plan as YAML; single images in a Parquet table of the same name beside it."""
        path = Path(path)
        value = self.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude=set(SINGLE))
        if self.files:
            value[IMAGES] = self._save_files(path.with_name(f"{path.stem}.images.parquet"))
        with atomic_path(path) as draft:
            draft.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def _save_files(self, path: Path) -> dict[str, str]:
        table = pl.DataFrame({"file_name": self.files})
        if self.file_weights:
            table = table.with_columns(weight=pl.Series(self.file_weights, dtype=pl.Float64))
        write_parquet(table, path)
        return {"table": path.name, "digest": digest(path.read_bytes())}

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan from YAML, and the table of its single images where it names one.

        Raises:
            CloserlookError: there is no such file, it is not a plan, or the table is missing or another one.
        """
        path = Path(path)
        value = read_yaml(path)
        if isinstance(value, dict) and IMAGES in value:
            given = value.pop(IMAGES)
            if clash := sorted(set(SINGLE) & set(value)):
                raise CloserlookError(f"{path} is not a plan: it has both {IMAGES} and {clash[0]}.")
            value |= _load_files(path, given)
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise CloserlookError(f"{path} is not a plan: {first_problem(error)}.") from None


def _load_files(path: Path, given: object) -> dict[str, object]:
    """``files`` and ``file_weights`` of the plan at ``path``."""
    asked = given if isinstance(given, dict) else {}
    name, known = asked.get("table"), asked.get("digest")
    if not isinstance(name, str) or not isinstance(known, str) or set(asked) != {"table", "digest"}:
        raise CloserlookError(f"{path} is not a plan: {IMAGES} must name a table and its digest.")
    if not name or Path(name).name != name:
        raise CloserlookError(f"{path} is not a plan: the table of its images must lie beside it, not at '{name}'.")
    beside, remedy = path.with_name(name), "select again"
    table = read_parquet(beside, remedy=remedy)
    if digest(beside.read_bytes()) != known:
        raise CloserlookError(f"{beside} is not the table that {path} was saved with; {remedy}.")
    found: dict[str, object] = {"files": tuple(table["file_name"].to_list())}
    if "weight" in table.columns:
        found["file_weights"] = tuple(table["weight"].to_list())
    return found


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


def _identities(table: pl.DataFrame) -> Int:
    column = table["identity"]
    if column.null_count():
        raise CloserlookError(f"The plan counts people, but {column.null_count():,} images have no identity.")
    return column.to_numpy()


def _in_words(values: Mapping[str, tuple[Level, ...]], identities: Sequence[int]) -> str:
    parts = [f"{name} {', '.join(map(str, levels))}" for name, levels in values.items()]
    return "; ".join([*parts, *([f"{len(identities)} people"] if identities else [])])
