"""Tables of what people wear, read once from ``wardrobe.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from closerlook.errors import CloserlookError
from closerlook.storage.documents import checked, read_yaml
from closerlook.synthesis.humans.clothing.garment_mesh import Cut
from closerlook.synthesis.humans.clothing.palette import Color
from closerlook.synthesis.humans.clothing.patterns import PATTERNS

__all__ = ["TABLES", "BySex", "Dye", "Mask", "Shares", "Tables", "Uniform"]

BySex = dict[str, tuple[float, float]]  # shares of men and of women
Shares = dict[str, float]


@dataclass(frozen=True)
class Dye:
    """A color, what it is called, and how often it is drawn."""

    name: str
    color: Color
    share: float


@dataclass(frozen=True)
class Mask:
    """A face mask: its kind, its color and what that is called, and how often it is drawn."""

    kind: str
    name: str
    color: Color
    share: float


@dataclass(frozen=True)
class Uniform:
    """Clothes of a trade: colors of the top and of the trousers, what the top's is called, and the top's details."""

    top: Color
    trousers: Color
    name: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Tables:
    """Kinds of clothes and how often they are worn; ``wardrobe.yaml`` says what each table is."""

    cuts: dict[str, Cut]
    uppers: dict[str, BySex]
    layered: Shares
    outers: BySex
    open: Shares
    open_otherwise: float
    lowers: dict[str, BySex]
    modest: tuple[str, ...]
    patterns: dict[str, Shares]
    patterns_otherwise: Shares
    details: dict[str, tuple[str, ...]]
    jeans: tuple[str, ...]
    leather: tuple[Dye, ...]
    denim: tuple[Dye, ...]
    uniforms: dict[str, Uniform]
    shoes: dict[str, dict[str, Shares]]
    sneaker_dyes: tuple[Dye, ...]
    shoe_dyes: tuple[Dye, ...]
    tights_shares: Shares
    tights: tuple[Dye, ...]
    socks: tuple[Dye, ...]
    hats: dict[str, BySex]
    scarves: Shares
    masks: tuple[Mask, ...]
    bags: BySex
    loads: BySex
    frames: tuple[Color, ...]

    def __post_init__(self) -> None:
        worn = {kind for table in (*self.uppers.values(), self.outers, *self.lowers.values()) for kind in table}
        for kind in sorted({*worn, *self.open, *self.modest, *self.patterns, *self.details, *self.jeans}):
            if kind not in self.cuts:
                raise CloserlookError(f"'{kind}' has no cut.")
        for pattern in sorted(
            {name for shares in (*self.patterns.values(), self.patterns_otherwise) for name in shares}
        ):
            if pattern not in PATTERNS:
                raise CloserlookError(f"'{pattern}' is no pattern of cloth.")


_PATH = Path(__file__).with_name("wardrobe.yaml")
TABLES = checked(read_yaml(_PATH), Tables, str(_PATH))
