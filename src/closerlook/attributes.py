"""Factors, levels and designs: what varies in a data set, and which combinations exist.

A *factor* is an attribute with its *levels* (weather: sunny, clouds, ...). A *design* is the full product of its
factors with a number of identities; every row of the paper's Tables 1 and 2 is a product subset of ``gpr-plus``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.storage.documents import read_yaml

if TYPE_CHECKING:
    import numpy as np

__all__ = ["DESIGNS", "ILLUMINATIONS", "WEATHERS", "Cell", "Design", "Factor", "Jitter", "Level", "Spec"]

Level = str | int | float
Cell = tuple[Level, ...]

WEATHERS = ("sunny", "clouds", "overcast", "foggy", "neutral", "blizzard", "snowlight")
ILLUMINATIONS = ("midnight", "dawn", "forenoon", "noon", "afternoon", "dusk", "night")


@dataclass(frozen=True)
class Factor:
    """An attribute that a design varies, with its levels in their natural order.

    If one level is a fraction, all of them are floats, so that a column of a table can hold them.

    Example:
        >>> weather = cl.Factor("weather", ("sunny", "foggy"))
        >>> len(weather), weather.index("foggy")
        (2, 1)
    """

    name: str
    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise UsageError(f"A factor's name must be a plain word, not '{self.name}'.")
        if not self.levels:
            raise UsageError(f"Factor '{self.name}' has no levels.")
        if len(set(self.levels)) != len(self.levels):
            raise UsageError(f"Factor '{self.name}' names a level twice: {', '.join(map(str, self.levels))}.")
        if any(isinstance(level, float) for level in self.levels):
            if any(isinstance(level, str) for level in self.levels):
                raise UsageError(f"Factor '{self.name}' mixes names and numbers: {', '.join(map(str, self.levels))}.")
            object.__setattr__(self, "levels", tuple(float(level) for level in self.levels))

    def __len__(self) -> int:
        return len(self.levels)

    def index(self, level: object) -> int:
        """The position of ``level``, which may be given as text (``"30"`` for 30)."""
        for position, known in enumerate(self.levels):
            if str(known) == str(level) or (isinstance(known, float) and _number(level) == known):
                return position
        raise unknown(f"level of {self.name}", level, self.levels)

    def keep(self, levels: Sequence[object]) -> Factor:
        """This factor with only ``levels``, in the factor's own order."""
        kept = {self.index(level) for level in levels}
        return replace(self, levels=tuple(level for i, level in enumerate(self.levels) if i in kept))


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


JITTERS = ("uniform", "log_uniform", "normal", "choice")


@dataclass(frozen=True)
class Jitter:
    """A distribution that a scene parameter is drawn from anew for every image.

    Attributes:
        kind: ``uniform`` or ``log_uniform`` (lowest, highest), ``normal`` (mean, deviation) or ``choice`` (values).
        numbers: what the kind says.
    """

    kind: str
    numbers: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", tuple(number + 0.0 for number in self.numbers))  # NumPy refuses 0 to -0
        if self.kind not in JITTERS:
            raise unknown("jitter", self.kind, JITTERS)
        if not self.numbers or not all(map(math.isfinite, self.numbers)):
            raise UsageError(f"A {self.kind} jitter needs a list of numbers.")
        if self.kind != "choice" and len(self.numbers) != 2:
            raise UsageError(f"A {self.kind} jitter needs two numbers, not {len(self.numbers)}.")
        if "uniform" in self.kind and self.numbers[0] > self.numbers[1]:
            raise UsageError(f"A {self.kind} jitter goes from the lowest to the highest: {list(self.numbers)}.")
        if self.kind == "normal" and self.numbers[1] < 0:
            raise UsageError(f"A normal jitter's deviation must be at least 0: {list(self.numbers)}.")
        if self.kind == "log_uniform" and self.numbers[0] <= 0:
            raise UsageError(f"A log_uniform jitter must be above 0: {list(self.numbers)}.")

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""
        a, b = self.numbers[0], self.numbers[-1]
        if self.kind == "uniform":
            return float(rng.uniform(a, b))
        if self.kind == "log_uniform":
            return math.exp(rng.uniform(math.log(a), math.log(b)))
        if self.kind == "normal":
            return float(rng.normal(a, b))
        return float(rng.choice(self.numbers))


Spec = Mapping[str, object]


@dataclass(frozen=True)
class Design:
    """A full factorial: ``identities`` people, each seen in every cell of the product of ``factors``.

    ``Design.load("gpr-plus")`` gives the paper's design, 808 x 12 x 7 x 7 = 475,104 images.

    Attributes:
        name: what to call it.
        identities: number of people.
        factors: what varies, the last fastest. To the renderer: viewpoint, weather, illumination, and any parameter of
            a scene (``weather.extinction``, ``camera.height``), in names of factors with ``_`` for the dot.
        jitter: scene parameters that every image draws for itself.
        weathers, illuminations: levels of the user's own by name, as parameters: ``{like: foggy, extinction: 0.01}``.
        backdrops: the places that images are drawn from, and how often each, to a common factor; all if empty.
        population: shares of the mix of people that are not the usual ones, such as ``{winter: 0.6}``.
        cameras: one entry for each fixed camera of a network, with what is not to be drawn for it:
            ``{backdrop: park, camera.height: 3, sensor.noise: 2}``. Empty: there is no network, and a camera is where
            its viewpoint says. In a network people are seen from the viewpoints that their ways make, all near to a
            level of factor ``viewpoint``, and by 2 to all cameras.
        frames: images of one walk past a camera of a network.

    Example:
        >>> weather, side = cl.Factor("weather", ("sunny", "foggy")), cl.Factor("viewpoint", (0, 90, 180))
        >>> cl.Design("small", 10, (weather, side)).cells_per_identity
        6
    """

    name: str
    identities: int
    factors: tuple[Factor, ...]
    jitter: Mapping[str, Jitter] = field(default_factory=dict)
    weathers: Mapping[str, Spec] = field(default_factory=dict)
    illuminations: Mapping[str, Spec] = field(default_factory=dict)
    backdrops: Mapping[str, float] = field(default_factory=dict)
    population: Mapping[str, float] = field(default_factory=dict)
    cameras: tuple[Spec, ...] = ()
    frames: int = 4

    def __post_init__(self) -> None:
        if self.identities < 1:
            raise UsageError(f"A design needs at least one identity, not {self.identities}.")
        names = [factor.name for factor in self.factors]
        if len(set(names)) != len(names):
            raise UsageError(f"Design '{self.name}' names a factor twice: {', '.join(names)}.")
        for place, share in self.backdrops.items():
            if not 0 < share < math.inf:
                raise UsageError(f"Design '{self.name}': the share of backdrop '{place}' must be above 0, not {share}.")

    @classmethod
    def load(cls, source: str | Path | Design) -> Design:
        """A named design (``gpr-plus``, ``fine-gpr``) or one from a YAML file.

        The file holds ``identities: 100`` and ``factors: {weather: [sunny, foggy], viewpoint: [0, 90]}``; and, if
        wanted, ``jitter: {sensor.noise: {uniform: [0, 3]}}``, ``weathers: {haze: {like: foggy, extinction: 0.01}}``,
        ``backdrops: {street: 3, park: 1}``, ``population: {winter: 0.6}``, and a network of cameras: ``cameras: 6`` or
        ``cameras: [{camera.height: 3}, {backdrop: park}]``, ``frames: 4``.
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
        value: dict[str, object] = {
            "name": self.name,
            "identities": self.identities,
            "factors": {factor.name: list(factor.levels) for factor in self.factors},
        }
        if self.jitter:
            value["jitter"] = {name: {drawn.kind: list(drawn.numbers)} for name, drawn in self.jitter.items()}
        for name, own in (("weathers", self.weathers), ("illuminations", self.illuminations)):
            if own:
                value[name] = {level: dict(spec) for level, spec in own.items()}
        for name, shares in (("backdrops", self.backdrops), ("population", self.population)):
            if shares:
                value[name] = dict(shares)
        if self.cameras:
            said = [dict(spec) for spec in self.cameras]
            value["cameras"], value["frames"] = said if any(said) else len(said), self.frames
        return value

    @classmethod
    def from_dict(cls, value: Mapping[str, object], *, where: str) -> Design:
        """The inverse of :meth:`to_dict`; ``where`` names the source in error messages."""
        known = [
            *("name", "identities", "factors", "jitter", "weathers", "illuminations", "backdrops", "population"),
            *("cameras", "frames"),
        ]
        extra = set(value) - set(known)
        identities, factors = value.get("identities"), value.get("factors")
        if extra:
            raise unknown(f"field in {where}", sorted(map(str, extra))[0], known)
        if not isinstance(value.get("name", ""), str):
            raise CloserlookError(f"{where}: 'name' must be text.")
        if type(identities) is not int or not isinstance(factors, Mapping):
            raise CloserlookError(f"{where} must hold 'identities: <number>' and 'factors: {{name: [levels]}}'.")
        for name, levels in factors.items():
            if not isinstance(levels, list) or not all(isinstance(level, str | int | float) for level in levels):
                raise CloserlookError(f"{where}: factor '{name}' must be a list of names or numbers.")
        built = tuple(Factor(str(name).replace(".", "_"), tuple(levels)) for name, levels in factors.items())
        jitter = {name: _jitter(name, spec, where) for name, spec in _specs(value, "jitter", where).items()}
        return cls(
            str(value.get("name", Path(where).stem)),
            identities,
            built,
            jitter,
            weathers=_specs(value, "weathers", where),
            illuminations=_specs(value, "illuminations", where),
            backdrops=_shares(value, "backdrops", where),
            population=_shares(value, "population", where),
            cameras=_cameras(value.get("cameras") or 0, where),
            frames=_frames(value.get("frames", 4), where),
        )


MOST_CAMERAS = 99  # of a network; their numbers have two digits in names


def _cameras(value: object, where: str) -> tuple[Spec, ...]:
    if type(value) is int and 0 <= value <= MOST_CAMERAS:
        return ({},) * value
    if not isinstance(value, list) or not all(isinstance(spec, Mapping) for spec in value):
        raise CloserlookError(
            f"{where}: 'cameras' must be a number up to {MOST_CAMERAS}, or a list with a mapping for each camera."
        )
    return tuple({str(name): number for name, number in spec.items()} for spec in value)


def _frames(value: object, where: str) -> int:
    if type(value) is not int:
        raise CloserlookError(f"{where}: 'frames' must be a whole number.")
    return value


def _specs(value: Mapping[str, object], part: str, where: str) -> dict[str, Spec]:
    """The mapping of names to mappings that a design file holds under ``part``; empty without it."""
    found = value.get(part) or {}
    if not isinstance(found, Mapping) or not all(isinstance(spec, Mapping) for spec in found.values()):
        raise CloserlookError(f"{where}: '{part}' must hold a mapping for each name.")
    return {str(name): dict(spec) for name, spec in found.items()}


def _shares(value: Mapping[str, object], part: str, where: str) -> dict[str, float]:
    """The mapping of names to numbers that a design file holds under ``part``; empty without it."""
    found = value.get(part) or {}
    if not isinstance(found, Mapping) or not all(type(share) in (int, float) for share in found.values()):
        raise CloserlookError(f"{where}: '{part}' must hold a number for each name.")
    return {str(name): float(share) for name, share in found.items()}


def _jitter(name: str, spec: Spec, where: str) -> Jitter:
    kind, numbers = next(iter(spec.items()), ("", None))
    if len(spec) != 1 or not isinstance(numbers, list):
        raise CloserlookError(f"{where}: jitter of {name} must be like 'uniform: [0, 3]'.")
    if not all(isinstance(number, int | float) for number in numbers):
        raise CloserlookError(f"{where}: jitter of {name} must be a list of numbers, not {numbers}.")
    return Jitter(str(kind), tuple(float(number) for number in numbers))


def _read_design(path: Path) -> Design:
    value = read_yaml(path)
    if not isinstance(value, Mapping):
        raise CloserlookError(f"{path} must hold 'identities' and 'factors'; it holds {type(value).__name__}.")
    try:
        return Design.from_dict(value, where=str(path))
    except UsageError as error:  # of a part that does not know where it comes from
        raise error if str(path) in str(error) else UsageError(f"{path}: {error}") from None


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
