"""Lighting surfaces: how much sky they see, sun, lamps and skies, airs, exposure."""
