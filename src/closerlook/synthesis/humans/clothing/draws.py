"""Draws from the tables of the wardrobe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from closerlook.synthesis.humans.clothing.tables import Dye, Mask

__all__ = ["draw_any", "draw_dye", "draw_kind"]

D = TypeVar("D", Dye, Mask)


def draw_kind(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    """A name, as often as its part of the sum of the shares."""
    values = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=values / values.sum()))


def draw_any(rng: np.random.Generator, shares: Mapping[str, float]) -> str:
    """A name with its share; nothing for what the shares leave over."""
    return draw_kind(rng, {**shares, "": max(0.0, 1 - sum(shares.values()))})


def draw_dye(rng: np.random.Generator, dyes: Sequence[D]) -> D:
    """A color with its share."""
    return dyes[int(rng.choice(len(dyes), p=[dye.share for dye in dyes]))]
