"""The version of closerlook."""

__version__ = "0.1.0"
