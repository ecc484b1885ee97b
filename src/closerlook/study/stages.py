"""The stages of a study: what runs now, how long it took, how long is left; kept in ``stages.json``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from closerlook.compute.progress import announce
from closerlook.storage.documents import read_json
from closerlook.storage.files import write_json

__all__ = ["Stages", "read_stages"]

FILE = "stages.json"


def read_stages(folder: Path) -> dict[str, float]:
    """Seconds that each stage of the study in ``folder`` took, in the order they ran; empty where none is recorded."""
    path = folder / FILE
    return read_json(path, dict[str, float], "Delete it: only the record of times is lost.") if path.exists() else {}


@dataclass
class Stages:
    """Runs named stages in order and says before each how long the rest should take.

    Attributes:
        folder: where ``stages.json`` is kept; a resumed study adds to the seconds already there.
        expected: seconds that each stage took on the machine it was written on. Only their ratios matter once the
            first stage has run: the rest is scaled by how long this machine took so far.
    """

    folder: Path
    expected: Mapping[str, float]
    _seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seconds = read_stages(self.folder)

    @contextmanager
    def run(self, name: str) -> Iterator[None]:
        """Time a stage; its seconds are recorded when it ends well."""
        number = list(self.expected).index(name) + 1
        announce(f"[bold]{number}/{len(self.expected)} {name}[/] [dim]about {_clock(self.left(name))} left[/]")
        start = time.perf_counter()
        yield
        took = time.perf_counter() - start
        self._seconds[name] = self._seconds.get(name, 0.0) + took
        write_json(self.folder / FILE, {key: round(value, 2) for key, value in self._seconds.items()})

    def left(self, name: str) -> float:
        """Seconds that the stages from ``name`` on should take on this machine."""
        names = list(self.expected)
        rest = sum(self.expected[other] for other in names[names.index(name) :])
        done = [other for other in self._seconds if other in self.expected]
        planned = sum(self.expected[other] for other in done)
        return rest * (sum(self._seconds[other] for other in done) / planned if planned else 1.0)


def _clock(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min"
