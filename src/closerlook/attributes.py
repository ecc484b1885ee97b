"""Factors, levels and designs: what varies in a data set, and which combinations exist.

A *factor* is an attribute with its *levels* (weather: sunny, clouds, ...). A *design* is the full product of its
factors with a number of identities; every row of the paper's Tables 1 and 2 is a product subset of ``gpr-plus``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from closerlook.errors import CloserlookError, UsageError, unknown

__all__ = ["DESIGNS", "ILLUMINATIONS", "WEATHERS", "Cell", "Design", "Factor", "Level"]

Level = str | int
Cell = tuple[Level, ...]

WEATHERS = ("sunny", "clouds", "overcast", "foggy", "neutral", "blizzard", "snowlight")
ILLUMINATIONS = ("midnight", "dawn", "forenoon", "noon", "afternoon", "dusk", "night")


@dataclass(frozen=True)
class Factor:
    """An attribute that a design varies, with its levels in their natural order."""

    name: str
    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise UsageError(f"A factor's name must be a plain word, not '{self.name}'.")
        if not self.levels:
            raise UsageError(f"Factor '{self.name}' has no levels.")
        if len(set(self.levels)) != len(self.levels):
            raise UsageError(f"Factor '{self.name}' names a level twice: {', '.join(map(str, self.levels))}.")

    def __len__(self) -> int:
        return len(self.levels)

    def index(self, level: object) -> int:
        """The position of ``level``, which may be given as text (``"30"`` for 30)."""
        for position, known in enumerate(self.levels):
            if str(known) == str(level):
                return position
        raise unknown(f"level of {self.name}", level, self.levels)

    def keep(self, levels: Sequence[object]) -> Factor:
        """This factor with only ``levels``, in the factor's own order."""
        kept = {self.index(level) for level in levels}
        return replace(self, levels=tuple(level for i, level in enumerate(self.levels) if i in kept))


@dataclass(frozen=True)
class Design:
    """A full factorial: ``identities`` people, each seen in every cell of the product of ``factors``.

    ``Design.load("gpr-plus")`` gives the paper's design, 808 x 12 x 7 x 7 = 475,104 images.
    """

    name: str
    identities: int
    factors: tuple[Factor, ...]

    def __post_init__(self) -> None:
        if self.identities < 1:
            raise UsageError(f"A design needs at least one identity, not {self.identities}.")
        names = [factor.name for factor in self.factors]
        if len(set(names)) != len(names):
            raise UsageError(f"Design '{self.name}' names a factor twice: {', '.join(names)}.")

    @classmethod
    def load(cls, source: str | Path | Design) -> Design:
        """A named design (``gpr-plus``, ``fine-gpr``) or one from a YAML file.

        The file holds ``identities: 100`` and ``factors: {weather: [sunny, foggy], viewpoint: [0, 90]}``.
        """
        if isinstance(source, Design):
            return source
        if str(source) in DESIGNS:
            return DESIGNS[str(source)]
        path = Path(source)
        if path.suffix in (".yaml", ".yml"):
            return _read_design(path)
        raise unknown("design", source, [*DESIGNS, "path/to/design.yaml"])

    def __len__(self) -> int:
        return self.identities * self.cells_per_identity

    @property
    def cells_per_identity(self) -> int:
        return math.prod(len(factor) for factor in self.factors)

    def factor(self, name: str) -> Factor:
        """The factor called ``name``."""
        for factor in self.factors:
            if factor.name == name:
                return factor
        raise unknown("factor", name, [factor.name for factor in self.factors])

    def cells(self) -> Iterator[Cell]:
        """Every combination of levels, the last factor varying fastest."""
        return itertools.product(*(factor.levels for factor in self.factors))

    def subset(self, identities: int | None = None, **levels: Sequence[object]) -> Design:
        """The product subset with these levels (factors not named keep all) and the first ``identities`` people."""
        factors = {factor.name: factor for factor in self.factors}
        for name, kept in levels.items():
            factors[name] = self.factor(name).keep(kept)
        people = self.identities if identities is None else identities
        if people > self.identities:
            raise UsageError(f"Design '{self.name}' has {self.identities} identities; {people} were asked for.")
        return replace(self, identities=people, factors=tuple(factors.values()))

    def to_dict(self) -> dict[str, object]:
        """The design as plain values, as :meth:`load` reads them from YAML."""
        return {
            "name": self.name,
            "identities": self.identities,
            "factors": {factor.name: list(factor.levels) for factor in self.factors},
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, object], *, where: str) -> Design:
        """The inverse of :meth:`to_dict`; ``where`` names the source in error messages."""
        extra = set(value) - {"name", "identities", "factors"}
        identities, factors = value.get("identities"), value.get("factors")
        if extra:
            raise unknown(f"field in {where}", sorted(map(str, extra))[0], ["name", "identities", "factors"])
        if not isinstance(identities, int) or not isinstance(factors, Mapping):
            raise CloserlookError(f"{where} must hold 'identities: <number>' and 'factors: {{name: [levels]}}'.")
        for name, levels in factors.items():
            if not isinstance(levels, list) or not all(isinstance(level, str | int) for level in levels):
                raise CloserlookError(f"{where}: factor '{name}' must be a list of names or whole numbers.")
        built = tuple(Factor(str(name), tuple(levels)) for name, levels in factors.items())
        return cls(str(value.get("name", Path(where).stem)), identities, built)


def _read_design(path: Path) -> Design:
    try:
        value = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise CloserlookError(f"There is no design file {path}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CloserlookError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(value, Mapping):
        raise CloserlookError(f"{path} must hold 'identities' and 'factors'; it holds {type(value).__name__}.")
    return Design.from_dict(value, where=str(path))


def _factors(step: int) -> tuple[Factor, ...]:
    return (
        Factor("viewpoint", tuple(range(0, 360, step))),
        Factor("weather", WEATHERS),
        Factor("illumination", ILLUMINATIONS),
    )


DESIGNS: dict[str, Design] = {
    "gpr-plus": Design("gpr-plus", 808, _factors(30)),
    "fine-gpr": Design("fine-gpr", 1150, _factors(10)),
}
