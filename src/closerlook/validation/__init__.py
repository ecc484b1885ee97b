"""Does the measured gap predict training value: an experiment on the user's own source and targets."""

from closerlook.validation.prediction import predict_gain
from closerlook.validation.validate import validate_gap
from closerlook.validation.validation import Validation

__all__ = ["Validation", "predict_gain", "validate_gap"]
