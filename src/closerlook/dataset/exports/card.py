"""The data set card of an export: what is in it, how it was made, its license, columns and limits."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import yaml

from closerlook.dataset.dataset import DISTRACTOR, JUNK, Dataset
from closerlook.escaping import in_markdown
from closerlook.version import __version__

__all__ = ["CARD_NAME", "card_of"]

CARD_NAME = "README.md"
SETTINGS_NAME = "render.yaml"  # which a folder holds that closerlook rendered

_CARD = """\
---
{head}---

# {name}

## What

{images:,} images of {identities:,} people by {cameras:,} cameras: {splits}.{factors}

## How made

{made} Exported by closerlook {version}, format `{layout}`.

## License

`{license}`. Images come under the terms of their sources; whoever publishes them says which.

## Columns

| column | type | what |
|---|---|---|
{columns}

## Limits

{limits}
"""

_RENDERED = (
    "Rendered by closerlook: the people are nobody's, drawn from distributions of bodies and clothes. Nothing about "
    "real people, or about how often anything occurs, follows from them."
)
_UNKNOWN = "closerlook does not know how these images were made: say it here before you publish them."
_LIMITS = (
    "For research on person re-identification. A model trained on these images tracks real people: mind the law and "
    "their consent. Pictures of real people are personal data wherever they are; do not publish those of people who "
    "did not agree."
)
KNOWN = {
    "image": "the picture",
    "file_name": "where the image lies, relative to its table",
    "identity": f"the person's number; {JUNK} is junk, {DISTRACTOR} a distractor, null unlabeled",
    "camera": "the camera's number, null where unknown",
    "split": "train, query or gallery",
    "viewpoint": "degrees: 90 faces the camera, 270 shows the back",
    "keypoints": "COCO's 17 points one after another: x, y in pixels, visibility (0 outside, 1 hidden, 2 seen)",
    "camera_matrix": "3 x 4, row by row: world meters to homogeneous pixels",
    "identity_label": "the person's name in the source",
    "camera_label": "the camera's name in the source",
}


def card_of(dataset: Dataset, license: str, layout: str, extra: Mapping[str, object] | None = None) -> str:
    """The card, Markdown with the YAML head that Hugging Face reads.

    Args:
        license: its identifier on the Hub, such as ``cc-by-4.0``.
        extra: more of the head: ``configs`` and ``dataset_info`` of the format.
    """
    head = {
        "pretty_name": dataset.name,
        "license": license,
        "task_categories": ["image-feature-extraction"],
        "tags": ["person-re-identification", "closerlook"],
        **(extra or {}),
    }
    rendered = (dataset.root / SETTINGS_NAME).exists()
    splits = dataset.table["split"].value_counts(sort=True).iter_rows()
    varied = ", ".join(f"{factor.name} ({len(factor)})" for factor in dataset.factors)
    columns = dataset.table if extra is None else dataset.table.rename({"file_name": "image"})
    return _CARD.format(
        head=yaml.safe_dump(head, sort_keys=False, allow_unicode=True),
        name=in_markdown(dataset.name),
        **dataset.counts(),
        splits=", ".join(f"{name} {count:,}" for name, count in splits),
        factors=f" Varied: {in_markdown(varied)}." if varied else "",
        made=_RENDERED if rendered else _UNKNOWN,
        version=__version__,
        layout=layout,
        license=in_markdown(license),
        columns="\n".join(_row(name, columns[name]) for name in columns.columns),
        limits=_LIMITS,
    )


def _row(name: str, values: pl.Series) -> str:
    kind = "image" if name == "image" else str(values.dtype).lower()
    return f"| {in_markdown(name)} | {in_markdown(kind)} | {KNOWN.get(name, '')} |"
