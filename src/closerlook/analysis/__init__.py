"""How far every attribute level of a synthetic source is from a real target, and how sure that is."""

from closerlook.analysis.gap import Gap
from closerlook.analysis.importance import importance_of_runs, rank_agreement
from closerlook.analysis.inversion import inversion_strip, invert
from closerlook.analysis.losses import SCALINGS, Losses, Weights
from closerlook.analysis.measurement import Measurement
from closerlook.analysis.pictures import save_figures
from closerlook.analysis.run import analyze, analyze_share
from closerlook.analysis.settings import Settings

__all__ = [
    "SCALINGS",
    "Gap",
    "Losses",
    "Measurement",
    "Settings",
    "Weights",
    "analyze",
    "analyze_share",
    "importance_of_runs",
    "inversion_strip",
    "invert",
    "rank_agreement",
    "save_figures",
]
