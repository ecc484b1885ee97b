"""From a measured gap to the images worth training on."""

from closerlook.selection.choose import METHODS, select
from closerlook.selection.controls import controls, everything, worst
from closerlook.selection.exhaustive import Candidate, exhaustive
from closerlook.selection.identities import ORDERS, select_identities
from closerlook.selection.plan import Plan, Provenance
from closerlook.selection.value import Value, render_next
from closerlook.selection.weights import Mixture, mixture

__all__ = [
    "METHODS",
    "ORDERS",
    "Candidate",
    "Mixture",
    "Plan",
    "Provenance",
    "Value",
    "controls",
    "everything",
    "exhaustive",
    "mixture",
    "render_next",
    "select",
    "select_identities",
    "worst",
]
