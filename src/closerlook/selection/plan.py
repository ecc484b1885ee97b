"""A plan: which part of a data set to train on, and where that choice comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from closerlook.attributes import Level
from closerlook.errors import CloserlookError
from closerlook.files import atomic_path

__all__ = ["Plan", "Provenance"]


class Provenance(BaseModel):
    """How a plan came about.

    Attributes:
        method, on, rule, budget, seed: what :func:`closerlook.select` was asked for.
        source, target, embedding, scaling: the gap that it was chosen on.
        scores: images analysed, pair_loss, fit and diversity of the chosen part.
        scores_of_all: the same of all data.
        notes: what to know before trusting it, in words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    on: str
    rule: str
    budget: int | None = None
    seed: int = 0
    source: str
    target: str
    embedding: str
    scaling: str
    scores: dict[str, float | None] = Field(default_factory=dict)
    scores_of_all: dict[str, float | None] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Plan(BaseModel):
    """A product subset: the images whose every attribute has one of the chosen levels.

    Attributes:
        values: the chosen levels of each attribute; an attribute that is not named keeps all.
        images: how many images of the source that is.
        share: of all its images, between 0 and 1.
        provenance: how it came about; None for a plan written by hand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: dict[str, tuple[Level, ...]]
    images: int = Field(ge=0)
    share: float = Field(ge=0, le=1)
    provenance: Provenance | None = None

    def rows(self, table: pl.DataFrame) -> NDArray[np.int64]:
        """Indices into ``table`` of the images to keep, ascending.

        Raises:
            CloserlookError: the table lacks an attribute of the plan, or no image is left.
        """
        keep = np.ones(table.height, bool)
        for name, levels in self.values.items():
            if name not in table.columns:
                raise CloserlookError(f"The plan chooses by '{name}', which the table does not have as a column.")
            wanted = [str(level) for level in levels]
            keep &= table[name].cast(pl.String).is_in(wanted).fill_null(False).to_numpy()
        if not keep.any():
            raise CloserlookError(f"No image has the levels of the plan: {_in_words(self.values)}.")
        found: NDArray[np.int64] = np.flatnonzero(keep)
        return found

    def save(self, path: str | Path) -> None:
        """Write the plan as YAML."""
        value = self.model_dump(mode="json", exclude_none=True)
        with atomic_path(path) as draft:
            draft.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))

    @classmethod
    def load(cls, path: str | Path) -> Plan:
        """Read a plan from YAML.

        Raises:
            CloserlookError: there is no such file, or it is not a plan.
        """
        path = Path(path)
        try:
            return cls.model_validate(yaml.safe_load(path.read_text()))
        except FileNotFoundError:
            raise CloserlookError(f"There is no plan {path}.") from None
        except IsADirectoryError:
            raise CloserlookError(f"{path} is a folder, not a plan; give the YAML file.") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise CloserlookError(f"{path} is not valid YAML: {error}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise CloserlookError(f"{path} is not a plan: {where}: {first['msg']}.") from None


def _in_words(values: Mapping[str, tuple[Level, ...]]) -> str:
    return "; ".join(f"{name} {', '.join(map(str, levels))}" for name, levels in values.items())
