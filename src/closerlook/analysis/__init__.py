"""How far every attribute level of a synthetic source is from a real target, and how sure that is."""

from closerlook.analysis.gap import Gap, Settings
from closerlook.analysis.losses import SCALINGS, Losses, Weights
from closerlook.analysis.measurement import Measurement
from closerlook.analysis.run import analyze, analyze_share

__all__ = ["SCALINGS", "Gap", "Losses", "Measurement", "Settings", "Weights", "analyze", "analyze_share"]
