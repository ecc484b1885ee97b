"""What a training run will cost, said before it starts."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from closerlook.embedding.backbones import Backbone
from closerlook.reid.recipe import Recipe

__all__ = ["describe", "multiplications"]


def multiplications(backbone: Backbone, size: tuple[int, int]) -> int:
    """Multiply-add operations of one image's forward pass."""
    device = next(backbone.parameters()).device
    with FlopCounterMode(display=False) as counter, torch.no_grad():  # inference mode fuses what it cannot count
        backbone(torch.zeros(1, 3, *size, device=device))
    return int(counter.get_total_flops()) // 2


def describe(backbone: Backbone, recipe: Recipe, images: int, identities: int) -> str:
    """The model and the amount of training in one line."""
    height, width = recipe.size
    parameters = sum(parameter.numel() for parameter in backbone.parameters())
    trained = sum(parameter.numel() for parameter in backbone.parameters() if parameter.requires_grad)
    drawn = recipe.steps * recipe.batch_size * recipe.accumulate
    part = "" if trained == parameters else f" ({trained / parameters:.0%} of them trained)"
    return (
        f"{backbone.name} at {height} x {width}: {parameters / 1e6:.1f} M parameters{part}, "
        f"{multiplications(backbone, recipe.size) / 1e9:.2f} G multiplications an image; "
        f"{recipe.steps:,} steps of {recipe.batch_size * recipe.accumulate}: {drawn / images:.1f} passes over "
        f"{images:,} images of {identities:,} people"
    )
