"""Data sets: the table, importers, export, audit, and image decoding with the one resize."""

from closerlook.dataset.dataset import Dataset
from closerlook.dataset.opening import open_dataset

__all__ = ["Dataset", "open_dataset"]
