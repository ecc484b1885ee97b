"""Statistics of the measured distances: intervals, shares of variance, importance, mixture weights."""
