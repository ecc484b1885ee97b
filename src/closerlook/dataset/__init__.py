"""Data sets: the table, importers, export, audit, and image decoding with the one resize."""

from closerlook.dataset.table import Dataset

__all__ = ["Dataset"]
