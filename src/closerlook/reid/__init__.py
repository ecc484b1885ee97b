"""Re-identification models: recipes, losses, sampling, augmentation, training."""

from closerlook.reid.model import Model
from closerlook.reid.recipe import Recipe, default_recipe
from closerlook.reid.trainer import train

__all__ = ["Model", "Recipe", "default_recipe", "train"]
