"""People, scenes and the renderer: a design becomes a data set."""

from closerlook.synthesis.generation.generate import Estimate, estimate, generate

__all__ = ["Estimate", "estimate", "generate"]
