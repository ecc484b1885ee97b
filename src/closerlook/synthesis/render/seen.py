from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    person: Any
    posed: Any
    frame: Any
    size: Any
    colour: Any
    facing: Any
    where: Any
    open_sky: Any
    samples: Any
