"""Re-identification models: recipes, losses, sampling, augmentation, training."""

from closerlook.reid.model import Model
from closerlook.reid.recipe import Recipe, recipe_names
from closerlook.reid.trainer import train

__all__ = ["Model", "Recipe", "recipe_names", "train"]
