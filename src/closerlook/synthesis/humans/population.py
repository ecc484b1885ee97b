"""Who there is: the shares of sexes, ages, ancestries and seasons that people are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from closerlook.errors import CloserlookError, UsageError, unknown
from closerlook.storage.documents import read_yaml

__all__ = ["Population"]


@dataclass(frozen=True)
class Population:
    """The mix of people. The defaults are nobody's census: a mixed crowd in which nobody is rare.

    Attributes:
        female: share of women and girls.
        children: share below 13 years.
        elderly: share above 62 years.
        african, asian, caucasian: shares of those whose ancestry is mainly so (MakeHuman's three).
        summer, winter: shares of people dressed for a warm or a cold day; the rest for one between.
    """

    female: float = 0.5
    children: float = 0.06
    elderly: float = 0.06
    african: float = 0.22
    asian: float = 0.36
    caucasian: float = 0.42
    summer: float = 0.45
    winter: float = 0.27

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
                raise UsageError(f"A population's {field.name} must be a share from 0 to 1, not {value!r}.")
        if self.female > 1 or self.children + self.elderly > 1 or self.summer + self.winter > 1:
            raise UsageError("A population's female, children + elderly, and summer + winter must be 1 at most each.")
        if not self.african + self.asian + self.caucasian:
            raise UsageError("A population needs a share of african, asian or caucasian above 0.")

    def season(self, rng: np.random.Generator) -> str:
        """What a person is dressed for: ``summer``, ``between`` or ``winter``."""
        draw = rng.random()
        return "summer" if draw < self.summer else "winter" if draw > 1 - self.winter else "between"

    @classmethod
    def load(cls, source: str | Path | Population | None) -> Population:
        """A population from a YAML file of some of its shares, such as ``female: 0.4``; the default for ``None``.

        Raises:
            CloserlookError: the file is missing or is not YAML.
            UsageError: it names a share that there is not, or gives one that cannot be.
        """
        if source is None:
            return cls()
        if isinstance(source, Population):
            return source
        values = read_yaml(source, "A population is lines such as 'female: 0.4'.") or {}
        if not isinstance(values, dict):
            raise CloserlookError(f"Population {source} must hold lines such as 'female: 0.4'.")
        for name in values:
            if name not in {field.name for field in fields(cls)}:
                raise unknown(f"share in population {source}:", str(name), [field.name for field in fields(cls)])
        try:
            return cls(**values)
        except UsageError as error:
            raise UsageError(f"{source}: {error}") from None
