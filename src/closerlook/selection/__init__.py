"""From a measured gap to the images worth training on."""

from closerlook.selection.choose import METHODS, select
from closerlook.selection.controls import controls, everything, worst
from closerlook.selection.identities import ORDERS, select_identities
from closerlook.selection.methods.exhaustive import Candidate, exhaustive
from closerlook.selection.methods.quadratic import Distribution, nearest_distribution
from closerlook.selection.plan import Plan, Provenance
from closerlook.selection.value import Value, render_next

__all__ = [
    "METHODS",
    "ORDERS",
    "Candidate",
    "Distribution",
    "Plan",
    "Provenance",
    "Value",
    "controls",
    "everything",
    "exhaustive",
    "nearest_distribution",
    "render_next",
    "select",
    "select_identities",
    "worst",
]
