"""From a measured gap to the images worth training on."""

from closerlook.selection.choose import METHODS, select
from closerlook.selection.controls import controls, everything, worst
from closerlook.selection.exhaustive import Candidate, exhaustive
from closerlook.selection.plan import Plan, Provenance
from closerlook.selection.weights import Mixture, mixture

__all__ = [
    "METHODS",
    "Candidate",
    "Mixture",
    "Plan",
    "Provenance",
    "controls",
    "everything",
    "exhaustive",
    "mixture",
    "select",
    "worst",
]
