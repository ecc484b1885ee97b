"""What an earlier audit found, where it was kept beside the data: for reports, which must not read every image."""

from __future__ import annotations

from typing import Any

from closerlook.dataset.auditing.finding import Finding
from closerlook.dataset.dataset import RESERVED, Dataset
from closerlook.storage.documents import checked, read_json
from closerlook.storage.keys import digest

__all__ = ["AUDIT_FILE", "kept_findings", "labels_digest"]

AUDIT_FILE = "audit.json"  # in the data set's folder
REMEDY = "Audit again, or remove it."


def kept_findings(dataset: Dataset) -> tuple[Finding, ...] | None:
    """The findings in the ``audit.json`` of the data set's folder; None where there is none, or one of other labels.

    Raises:
        CloserlookError: the file is damaged.
    """
    path = dataset.root / AUDIT_FILE
    if not path.is_file():
        return None
    value = read_json(path, dict[str, Any], REMEDY)
    if value.get("labels") != labels_digest(dataset):
        return None
    return checked(value.get("findings"), tuple[Finding, ...], str(path), REMEDY)


def labels_digest(dataset: Dataset) -> str:
    """A digest of what a table says of its images: an audit of other labels says nothing of these."""
    return digest(dataset.table.select(RESERVED).write_csv().encode())
