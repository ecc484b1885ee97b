"""A data set: a folder of images and one table with one row per image.

The table is ``metadata.parquet``, the Hugging Face ImageFolder convention as it stands: ``file_name`` relative to the
folder, ``identity``, ``camera``, ``split`` (train, query or gallery), one column per attribute, and annotations. A
``design.yaml`` beside it, where there is one, says which columns are factors of a design. No stage parses a file name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray
from typing_extensions import TypedDict

from closerlook.attributes import Design, Factor
from closerlook.dataset.columns import LABELS, numbered, plain
from closerlook.errors import CloserlookError, unknown
from closerlook.escaping import html_table
from closerlook.storage.files import atomic_path
from closerlook.storage.tables import write_parquet

__all__ = [
    "DISTRACTOR",
    "JUNK",
    "RESERVED",
    "SAMPLING_WEIGHT",
    "SPLITS",
    "TABLE_NAME",
    "Counts",
    "Dataset",
    "Selectable",
    "spelled",
]

TABLE_NAME = "metadata.parquet"
DESIGN_NAME = "design.yaml"
SPLITS = ("train", "query", "gallery")
RESERVED = ("file_name", "identity", "camera", "split")
SAMPLING_WEIGHT = "sampling_weight"  # how often training draws an image, beside others of the person
MAX_INFERRED_LEVELS = 64
# Identities that are no person, whose numbers begin at 0; a layout with marks of its own is translated when it is read
JUNK = -1  # hardly anybody is to be seen, or nobody knows who: never trained on, left out of galleries
DISTRACTOR = -2  # somebody, or something, that no query asks for: never trained on, but searched


class Counts(TypedDict):
    """How much data there is: ``cameras`` counts those that are known."""

    images: int
    identities: int
    cameras: int


class Selectable(Protocol):
    """What :meth:`Dataset.subset` takes: a plan, or anything that can say what of a table it keeps."""

    def apply(self, table: pl.DataFrame) -> pl.DataFrame:
        """The rows to keep, in their order, and where training is to draw by weight a column ``sampling_weight``."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Images and their table. Immutable: every method that narrows it returns a new one over the same files.

    Attributes:
        root: folder that ``file_name`` is relative to.
        table: one row per image, with the columns ``file_name`` (str), ``identity`` (int: a person from 0 on,
            :data:`JUNK` or :data:`DISTRACTOR`; null where unlabeled), ``camera`` (int, null where unknown), ``split``,
            attributes, annotations, and ``sampling_weight`` where training is to draw some images more often.
        name: what to call it in reports.
        factors: the attributes that a design varies; may be empty (a real target has none).

    Example:
        >>> data = cl.open_dataset(data.root)
        >>> sunny = data.where(weather=["sunny"])
        >>> len(sunny) < len(data)
        True
    """

    root: Path
    table: pl.DataFrame = field(repr=False)
    name: str
    factors: tuple[Factor, ...] = ()

    def __repr__(self) -> str:
        parts = [f"{number:,} {what}" for what, number in self.counts().items() if number]
        varied = "; " + ", ".join(f"{factor.name} ({len(factor)})" for factor in self.factors) if self.factors else ""
        return f"Dataset({self.name!r}: {', '.join(parts)}{varied})"

    def _repr_html_(self) -> str:
        splits = self.table["split"].value_counts(sort=True)
        return html_table(
            f"Dataset {self.name}",
            {
                "folder": self.root,
                **{what: f"{number:,}" for what, number in self.counts().items()},
                "splits": ", ".join(f"{name} {count:,}" for name, count in splits.iter_rows()),
                **{factor.name: ", ".join(map(str, factor.levels)) for factor in self.factors},
            },
        )

    @classmethod
    def from_table(
        cls,
        root: Path,
        table: pl.DataFrame,
        name: str,
        factors: Sequence[Factor] | None = None,
        *,
        read_from: Path | None = None,
    ) -> Dataset:
        """Check and complete a table: types, allowed splits, null identities and cameras where a column is missing.

        People and cameras that are text are numbered (see :func:`closerlook.dataset.columns.numbered`).

        ``factors=None`` takes every other column with 2 to 64 levels of text or whole numbers as a factor. Messages
        name the file that the table was ``read_from``, else the data set.
        """
        where = name if read_from is None else str(read_from)
        if "file_name" not in table.columns:
            raise CloserlookError(
                f"{where}: the table has no column 'file_name'; it has {', '.join(table.columns) or 'none'}."
            )
        if table.height == 0:
            raise CloserlookError(f"{where}: there are no images in {root}.")
        clean = plain(table)
        written = clean["file_name"]
        _refuse_bad_names(written, where)
        names = spelled(written)
        if names is not written:
            _refuse_bad_names(names, where)
        labeled = numbered(clean.with_columns(names), where)
        strange_identities = labeled["identity"].filter(labeled["identity"] < DISTRACTOR)
        if len(strange_identities):
            raise CloserlookError(
                f"{where}: identity {strange_identities[0]} is no person's: people are numbered from 0; {JUNK} is "
                f"junk, {DISTRACTOR} a distractor, and an empty value an image that is not labeled."
            )
        rest = [column for column in labeled.columns if column not in RESERVED]
        complete = labeled if "split" in labeled.columns else labeled.with_columns(pl.lit("train").alias("split"))
        complete = complete.select(*RESERVED, *rest)
        if complete["split"].dtype != pl.String:
            raise CloserlookError(f"{where}: column 'split' must hold {', '.join(SPLITS)}, as text.")
        strange = set(complete["split"].unique().to_list()) - set(SPLITS)
        if strange:
            raise unknown(f"split in {where}", sorted(map(str, strange))[0], SPLITS)
        found = _infer_factors(complete, rest) if factors is None else factors
        no_factors = {*LABELS.values(), SAMPLING_WEIGHT}
        return cls(root, complete, name, tuple(factor for factor in found if factor.name not in no_factors))

    def __len__(self) -> int:
        return self.table.height

    def split(self, name: str) -> Dataset:
        """The images of one split.

        Raises:
            CloserlookError: the data set has no image in it.
        """
        kept = self.filter(pl.col("split") == name)
        if not len(kept):
            have = ", ".join(self.table["split"].unique().sort())
            raise CloserlookError(f"{self.name} has no '{name}' split; it has: {have}.")
        return replace(kept, name=f"{self.name}/{name}")

    @property
    def train(self) -> Dataset:
        return self.split("train")

    @property
    def query(self) -> Dataset:
        return self.split("query")

    @property
    def gallery(self) -> Dataset:
        return self.split("gallery")

    def filter(self, condition: pl.Expr) -> Dataset:
        """The images for which a Polars expression over the table holds."""
        return replace(self, table=self.table.filter(condition))

    def take(self, rows: NDArray[np.integer] | Sequence[int]) -> Dataset:
        """The images at these row numbers, in this order."""
        return replace(self, table=self.table[np.asarray(rows, dtype=np.int64)])

    def subset(self, plan: Selectable) -> Dataset:
        """The images that a plan (:func:`closerlook.select`) keeps, and how often it has them drawn."""
        return replace(self, table=plan.apply(self.table))

    def where(self, **levels: Sequence[object]) -> Dataset:
        """The product subset with these levels, as ``data.where(weather=["sunny"], viewpoint=[0, 30])``."""
        kept = self
        for name, wanted in levels.items():
            factor = self.factor(name).keep(wanted)
            kept = kept.filter(pl.col(name).is_in(list(factor.levels)))
        return kept

    def factor(self, name: str) -> Factor:
        """The factor called ``name``, with the levels that this data set's design gives it."""
        for factor in self.factors:
            if factor.name == name:
                return factor
        raise unknown(f"attribute of {self.name}", name, [factor.name for factor in self.factors])

    @property
    def paths(self) -> list[Path]:
        """The image files, in table order."""
        return [Path(file) for file in self.files]

    @property
    def files(self) -> list[str]:
        """The same as text: of two millions in a third of a second, where paths take ten."""
        root = os.path.join(os.fspath(self.root), "")  # noqa: PTH118 - ends in the one separator
        name = pl.col("file_name")
        whole = pl.when(name.str.starts_with(os.sep)).then(name).otherwise(pl.concat_str(pl.lit(root), name))
        return self.table.select(whole.alias("file"))["file"].to_list()

    @property
    def identities(self) -> NDArray[np.int64]:
        """The identity of each image, shape (n,).

        Raises:
            CloserlookError: an image has none.
        """
        column = self.table["identity"]
        if column.null_count():
            raise CloserlookError(
                f"{self.name}: {column.null_count():,} of {len(self):,} images have no identity, which this needs. "
                "Add an 'identity' column to its table."
            )
        return column.to_numpy()

    @property
    def people(self) -> Dataset:
        """The images of people: neither junk nor distractors.

        Raises:
            CloserlookError: an image has no identity, or none shows a person.
        """
        known = self.identities >= 0
        if not known.any():
            raise CloserlookError(f"{self.name}: all {len(self):,} images are junk or distractors; nobody is known.")
        return self if known.all() else self.take(np.flatnonzero(known))

    @property
    def cameras(self) -> NDArray[np.int64]:
        """The camera of each image, shape (n,); -1 where unknown."""
        return self.table["camera"].fill_null(-1).to_numpy()

    def save(self, design: Design | None = None) -> None:
        """Write ``metadata.parquet`` (and ``design.yaml``) into the root, atomically."""
        if design is None and self.factors:
            people = self.counts()["identities"]
            design = Design(self.name.partition("/")[0], max(1, people), self.factors)
        if design is not None:
            with atomic_path(self.root / DESIGN_NAME) as draft:
                draft.write_text(yaml.safe_dump(design.to_dict(), sort_keys=False), encoding="utf-8")
        write_parquet(self.table, self.root / TABLE_NAME)

    def counts(self) -> Counts:
        """Images, people and cameras, for summaries."""
        known = self.table.filter(pl.col("identity") >= 0)
        return {
            "images": len(self),
            "identities": known["identity"].n_unique(),
            "cameras": self.table["camera"].drop_nulls().n_unique(),
        }


def spelled(names: pl.Series) -> pl.Series:
    """One spelling a file: ``./a.jpg`` as ``a.jpg``, ``b//a.jpg`` as ``b/a.jpg``; ``..`` may follow a link."""
    odd = names.str.contains(r"(^|/)\.?(/|$)")
    if not odd.any():
        return names
    simple = [
        name if name is None or not strange else PurePosixPath(name).as_posix()
        for name, strange in zip(names, odd, strict=True)
    ]
    return pl.Series(names.name, simple, dtype=pl.String)


def _refuse_bad_names(names: pl.Series, name: str) -> None:
    if (
        names.dtype != pl.String
        or names.null_count()
        or names.is_in(["", "."]).any()
        or names.str.contains("\0", literal=True).any()
    ):
        raise CloserlookError(f"{name}: column 'file_name' must hold a path, as text, in every row.")
    if names.hash().n_unique() < len(names) and names.n_unique() < len(names):  # the first is eight times as fast
        again = names.filter(names.is_duplicated())
        raise CloserlookError(f"{name}: {again.n_unique():,} files are named twice, first {again[0]}.")


def _infer_factors(table: pl.DataFrame, columns: Sequence[str]) -> tuple[Factor, ...]:
    factors = []
    for column in columns:
        values = table[column].drop_nulls()
        if not (values.dtype.is_integer() or values.dtype == pl.String):
            continue
        levels = values.unique().sort().to_list()
        if 2 <= len(levels) <= MAX_INFERRED_LEVELS and column.isidentifier():
            factors.append(Factor(column, tuple(levels)))
    return tuple(factors)
