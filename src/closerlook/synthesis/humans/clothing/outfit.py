"""What a person wears and carries: garments, and what else there is of shoes, hats, bags and the like."""

from __future__ import annotations

from dataclasses import dataclass

from closerlook.synthesis.humans.clothing.fabric import Fabric
from closerlook.synthesis.humans.clothing.garment_mesh import Cut
from closerlook.synthesis.humans.clothing.palette import Color

__all__ = ["Extra", "Item", "Outfit"]


@dataclass(frozen=True)
class Item:
    """A garment: what it is called, its pattern, its cloth and the name of its color."""

    kind: str
    cut: Cut
    fabric: Fabric
    color: str


@dataclass(frozen=True)
class Extra:
    """Shoes, a hat, a scarf or something carried.

    Attributes:
        kind: what it is.
        name, color: its color.
        second: the color of soles, of a hat's band or of a frame.
        side: the hand or hands that hold it, of ``LR``; nothing for what is worn.
    """

    kind: str
    name: str
    color: Color
    second: Color = (0.06, 0.06, 0.06)
    side: str = ""


@dataclass(frozen=True)
class Outfit:
    """Everything a person wears and carries; ``None`` where there is nothing. A dress has no ``lower``.

    ``legs`` are tights or socks; ``load`` is what takes hands beside a bag: an umbrella, a suitcase, a stroller or a
    bicycle. No hand holds two things.
    """

    season: str
    upper: Item
    lower: Item | None
    outer: Item | None
    shoes: Extra
    hat: Extra | None
    scarf: Extra | None
    bag: Extra | None
    legs: Extra | None = None
    mask: Extra | None = None
    gloves: Extra | None = None
    load: Extra | None = None
