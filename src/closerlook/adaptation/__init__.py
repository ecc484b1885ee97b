"""Tuning the scene's continuous parameters to a target by rendering and measuring in turn."""

from closerlook.adaptation.loop import Gain, Step, Trace
from closerlook.adaptation.parameters import Parameter
from closerlook.adaptation.run import adapt
from closerlook.adaptation.scene import PARAMETERS
from closerlook.adaptation.search import SEARCHES

__all__ = ["PARAMETERS", "SEARCHES", "Gain", "Parameter", "Step", "Trace", "adapt"]
