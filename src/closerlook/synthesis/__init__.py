"""People, scenes and the renderer: a design becomes a data set."""

from closerlook.synthesis.generation.estimate import Estimate, estimate
from closerlook.synthesis.generation.generate import generate

__all__ = ["Estimate", "estimate", "generate"]
