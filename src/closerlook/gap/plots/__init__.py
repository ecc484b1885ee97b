"""The gap as charts and pictures."""
