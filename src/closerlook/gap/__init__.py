"""How far every attribute level of a synthetic source is from a real target, with confidence intervals."""

from closerlook.gap.analyze import analyze, analyze_shard
from closerlook.gap.gap import Gap
from closerlook.gap.inversion import inversion_strip, invert
from closerlook.gap.losses import SCALINGS, Losses, Weights
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.plots.pictures import save_figures
from closerlook.gap.settings import Settings
from closerlook.gap.statistics.importance import importance_of_runs, rank_agreement

__all__ = [
    "SCALINGS",
    "Gap",
    "Losses",
    "Measurement",
    "Settings",
    "Weights",
    "analyze",
    "analyze_shard",
    "importance_of_runs",
    "inversion_strip",
    "invert",
    "rank_agreement",
    "save_figures",
]
