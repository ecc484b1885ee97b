"""The learning rate as a function of how much of the training is done."""

from __future__ import annotations

import math

from closerlook.reid.recipe import Recipe

__all__ = ["rate_factor"]

WARMUP_START = 0.01
STEP_FACTOR = 0.1
EXPONENTIAL_END = 1e-3


def rate_factor(recipe: Recipe, step: int) -> float:
    """What the recipe's learning rate is multiplied by at step ``step`` (from 0)."""
    done = step / recipe.steps
    rising = min(1.0, WARMUP_START + (1 - WARMUP_START) * done / recipe.warmup) if recipe.warmup else 1.0
    falling = max(0.0, done - recipe.decay_from) / (1 - recipe.decay_from) if recipe.decay_from < 1 else 0.0
    match recipe.schedule:
        case "steps":
            passed = sum(done >= milestone for milestone in recipe.milestones)
            return rising * math.pow(STEP_FACTOR, passed)
        case "cosine":
            return rising * (1 + math.cos(math.pi * falling)) / 2
        case "exponential":
            return rising * math.pow(EXPONENTIAL_END, falling)
