"""Data sets: the table, importers, export, audit, and image decoding with the one resize."""

from closerlook.dataset.concatenation import concatenate
from closerlook.dataset.dataset import Dataset
from closerlook.dataset.importing import import_dataset
from closerlook.dataset.opening import open_dataset

__all__ = ["Dataset", "concatenate", "import_dataset", "open_dataset"]
