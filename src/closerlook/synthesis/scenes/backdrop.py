"""Places: a ground, walls around it, and things that stand about, at several depths.

A ``Backdrop`` says of what kind; :func:`place` draws one such place, fixed in the world; :func:`hidden_by` puts
something between the person and a camera; :func:`visible_panels` is what of it a camera sees.
"""

from closerlook.synthesis.scenes.kinds import BACKDROPS, THINGS, Backdrop, Thing, backdrops
from closerlook.synthesis.scenes.occluders import hidden_by, nothing_before
from closerlook.synthesis.scenes.panels import MAX_PANELS, Panels, Place, VisiblePanels, texture_number, visible_panels
from closerlook.synthesis.scenes.places import place, places

__all__ = [
    "BACKDROPS",
    "MAX_PANELS",
    "THINGS",
    "Backdrop",
    "Panels",
    "Place",
    "Thing",
    "VisiblePanels",
    "backdrops",
    "hidden_by",
    "nothing_before",
    "place",
    "places",
    "texture_number",
    "visible_panels",
]
